"""Where dropped objects are parked, and under which names."""

from __future__ import annotations

import hashlib

from reconciler.spec.tables import IDENTIFIER_BYTES

ARCHIVE_SCHEMA = "reconciler_archive"
"""Holds parked tables on PostgreSQL. On SQLite they stay where they are, under their new name."""


def parked_name(name: str, revision: int) -> str:
    """What `name` is called once revision `revision` has parked it: `_archived_REVISION_NAME`, 63 bytes at
    most.

    No manifest can ask for such a name: theirs begin with a letter.
    """
    full = f"_archived_{revision}_{name}"
    if len(full.encode()) <= IDENTIFIER_BYTES:
        return full
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    room = IDENTIFIER_BYTES - len(digest) - 1
    return f"{full.encode()[:room].decode(errors='ignore')}_{digest}"
