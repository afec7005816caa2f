"""`reconcile keys`: keys of the API, and keys of encrypted fields."""

from __future__ import annotations

from reconciler.cli.lazy_group import LazyGroup

COMMANDS = {
    "create": ("reconciler.cli.api_key_commands:create", "Make a key of the API."),
    "list": ("reconciler.cli.api_key_commands:list_", "List the keys of the API."),
    "revoke": ("reconciler.cli.api_key_commands:revoke", "End a key of the API."),
    "generate": ("reconciler.cli.encryption_commands:generate", "Make a key for encrypted fields."),
    "rotate": ("reconciler.cli.encryption_commands:rotate", "Bring encrypted fields under the newest key."),
}

keys = LazyGroup("keys", table=COMMANDS, help="Keys of the API, and of encrypted fields.")
