"""What Alembic runs: the catalog's revisions over the connection that `reconciler.database.upgrade` hands in.

The caller owns the transaction and holds the lock; nothing is committed here.
"""

from alembic import context

from reconciler.database.catalog import METADATA
from reconciler.database.upgrade import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # Alembic's default for SQLite is False, from drivers that commit before DDL
    render_as_batch=True,
    # The tables of agents' models live beside the catalog and are none of Alembic's business.
    include_name=lambda name, kind, parents: kind != "table" or name in METADATA.tables,
)
with context.begin_transaction():
    context.run_migrations()
