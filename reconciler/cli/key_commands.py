"""`reconcile keys`: the keys of encrypted fields."""

from __future__ import annotations

from reconciler.cli.lazy_group import LazyGroup

COMMANDS = {
    "generate": ("reconciler.cli.encryption_commands:generate", "Make a key for encrypted fields."),
    "rotate": ("reconciler.cli.encryption_commands:rotate", "Bring encrypted fields under the newest key."),
}

keys = LazyGroup("keys", table=COMMANDS, help="Make and rotate keys of encrypted fields.")
