"""Alembic environment and revisions of the catalog, not of the tables that agents' models make.

`reconciler.database.upgrade` runs them; `reconciler.database.catalog.METADATA` is what they lead to.
"""
