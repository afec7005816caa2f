"""Whether anything has moved in a database, asked without reading what it holds.

Apart from what reads schema and catalog: a plan that finds nothing moved loads no more than this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


def fingerprint(conn: Connection) -> str:
    """Moves whenever any table, index, constraint or trigger does; equal fingerprints of one database mean
    that nothing was altered in between, by anybody. May also move without cause, as after VACUUM FULL."""
    if conn.dialect == "sqlite":
        # Counts every change of the schema ever made to the file, and answers without reading the schema.
        return f"sqlite:{conn.execute('PRAGMA schema_version')[0][0]}"
    return "postgresql:" + ".".join(str(part) for part in conn.execute(_FINGERPRINT)[0])


def generation(conn: Connection) -> str:
    """Of the catalog: differs from what it was if any apply has written since."""
    if conn.dialect == "sqlite":
        return str(conn.execute("PRAGMA user_version")[0][0])
    rows = conn.execute("SELECT value FROM catalog_meta WHERE key = 'generation'")
    return str(rows[0][0]) if rows else "0"


# A row of a catalog is written anew whenever what it describes changes: `xmin` is the transaction that did.
# `IS TRUE` keeps the planner from turning IN into a join, whose size it would guess far too low: the catalogs
# are read once each, beside a hash of the relations.
_FINGERPRINT = """
WITH c AS MATERIALIZED (
  SELECT oid, xmin FROM pg_class WHERE relnamespace = current_schema()::regnamespace
),
seen (catalog, id, xmin) AS (
  SELECT 1, oid::bigint, xmin FROM c
  UNION ALL
  SELECT 2, attrelid::bigint * 2000 + attnum, xmin FROM pg_attribute
  WHERE attnum > 0 AND (attrelid IN (SELECT oid FROM c)) IS TRUE
  UNION ALL
  SELECT 3, oid::bigint, xmin FROM pg_attrdef WHERE (adrelid IN (SELECT oid FROM c)) IS TRUE
  UNION ALL
  SELECT 4, oid::bigint, xmin FROM pg_constraint WHERE (conrelid IN (SELECT oid FROM c)) IS TRUE
  UNION ALL
  SELECT 5, indexrelid::bigint, xmin FROM pg_index WHERE (indexrelid IN (SELECT oid FROM c)) IS TRUE
  UNION ALL
  SELECT 6, oid::bigint, xmin FROM pg_trigger WHERE (tgrelid IN (SELECT oid FROM c)) IS TRUE
)
SELECT count(*), coalesce(sum(hashint8extended(id * 8 + catalog, xmin::text::bigint)), 0) FROM seen"""
