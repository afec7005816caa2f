"""Names of attachments, from whoever sent them, made fit for a file in a folder of somebody's own."""

from __future__ import annotations

import re
import unicodedata

_UNFIT = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]'
)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_LENGTH = 120


def safe_name(name: str) -> str:
    """The last part of a path, without what a file system or a terminal reads as something else; never empty, hidden
    or longer than 120 characters, its ending kept."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    clean = " ".join(_UNFIT.sub("_", last).split()).strip(". ")
    if not clean or _RESERVED.fullmatch(clean):
        clean = f"attachment_{clean}" if clean else "attachment"
    if len(clean) <= _LENGTH:
        return clean
    stem, dot, ending = clean.rpartition(".")
    if not dot or len(ending) > 10:
        return clean[:_LENGTH]
    return f"{stem[: _LENGTH - len(ending) - 1]}.{ending}"
