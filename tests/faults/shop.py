"""A change that has something of everything, and rows it must not lose."""

from __future__ import annotations

from typing import Any

from tests.acceptance.evolution import manifests

BEFORE = manifests(
    {
        "types": {
            "shop": {
                "models": {
                    "customer": {
                        "fields": {
                            "name": {"type": "string", "max_length": 50, "required": True},
                            "email": {"type": "string", "max_length": 80},
                            "level": "string",
                            "city": "string",
                            "note": "text",
                        }
                    },
                    "order": {
                        "fields": {
                            "customer": {
                                "type": "reference",
                                "model": "customer",
                                "on_delete": "cascade",
                                "required": True,
                            },
                            "total": {"type": "integer"},
                            "state": {"type": "enum", "values": ["open", "paid"], "default": "open"},
                        }
                    },
                    "scrap": {"fields": {"text": "text"}},
                }
            }
        }
    },
    "1.0.0",
)

AFTER = manifests(
    {
        "types": {
            "shop": {
                "models": {
                    "customer": {
                        "fields": {
                            "name": {"type": "string", "max_length": 50, "required": True},
                            "email": {"type": "string", "max_length": 80, "unique": True},
                            "level": "integer",
                            "town": {"type": "string", "renamed_from": "city", "index": True},
                        },
                        "checks": [{"name": "level_is_sane", "expression": "level < 1000"}],
                    },
                    "order": {
                        "fields": {
                            "customer": {
                                "type": "reference",
                                "model": "customer",
                                "on_delete": "restrict",
                                "required": True,
                            },
                            "total": {"type": "integer", "required": True, "default": 7, "min": 0},
                            "state": {"type": "enum", "values": ["open", "paid", "sent"], "default": "open"},
                        }
                    },
                    "visit": {
                        "fields": {"customer": {"type": "reference", "model": "customer"}, "day": "date"}
                    },
                }
            },
            "ledger": {"models": {"entry": {"fields": {"amount": "integer"}}}},
        }
    },
    "2.0.0",
)

ALLOW = ("destructive",)

CUSTOMERS, ORDERS, SCRAPS = 20, 40, 5
IDS_APART = 300
"""So that a backfill takes several batches."""

ROWS: dict[str, list[dict[str, Any]]] = {
    "shop.customer": [
        {
            "name": f"customer {i}",
            "email": f"c{i}@example.com",
            "level": str(i),
            "city": f"city {i}",
            "note": f"note {i}",
        }
        for i in range(CUSTOMERS)
    ],
    "shop.order": [
        {
            "id": 1 + i * IDS_APART,
            "customer": 1 + i % CUSTOMERS,
            "total": i if i % 2 else None,
            "state": "paid" if i % 3 else "open",
        }
        for i in range(ORDERS)
    ],
    "shop.scrap": [{"text": f"scrap {i}"} for i in range(SCRAPS)],
}
