"""The catalog as it began."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out rather than imported from the catalog: a revision means the same for ever.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DIGEST = sa.String(64)
NAME = sa.String(63)
STATE = sa.String(12)
TIME = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "agent_builder_sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("template", NAME, nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.Column("drafts", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_builder_sessions"),
    )
    op.create_index("ix_agent_builder_sessions_expires_at", "agent_builder_sessions", ["expires_at"])
    op.create_table(
        "agent_types",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("status", STATE, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("deprecated", sa.Text(), nullable=True),
        sa.Column("sunset", TIME, nullable=True),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_types"),
    )
    op.create_index(
        "uq_agent_types_current",
        "agent_types",
        ["name"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.create_index("uq_agent_types_name_digest", "agent_types", ["name", "digest"], unique=True)
    op.create_table(
        "agents",
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("deployed_at", TIME, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_agents"),
    )
    op.create_index("ix_agents_type", "agents", ["type"])
    op.create_table(
        "archives",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("kind", STATE, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("table_name", NAME, nullable=False),
        sa.Column("column_name", NAME, nullable=True),
        sa.Column("stored_as", NAME, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("row_count", NUMBER, nullable=False),
        sa.Column("archived_at", TIME, nullable=False),
        sa.Column("purge_after", TIME, nullable=True),
        sa.Column("restored_revision", NUMBER, nullable=True),
        sa.Column("purged_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_archives"),
    )
    op.create_index("ix_archives_table_name", "archives", ["table_name"])
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous_hash", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "catalog_meta",
        sa.Column("key", NAME, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_catalog_meta"),
    )
    op.create_table(
        "dynamic_tables",
        sa.Column("name", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("model", NAME, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("status", STATE, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_dynamic_tables"),
    )
    op.create_index("ix_dynamic_tables_owner", "dynamic_tables", ["owner"])
    op.create_table(
        "leases",
        sa.Column("name", NAME, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("acquired_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "policies",
        sa.Column("name", NAME, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_policies"),
    )
    op.create_table(
        "revision_objects",
        sa.Column("revision", NUMBER, autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", DIGEST, nullable=True),
        sa.PrimaryKeyConstraint("revision", "address", name="pk_revision_objects"),
    )
    op.create_table(
        "revision_units",
        sa.Column("revision", NUMBER, autoincrement=False, nullable=False),
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("sql_up", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "position", name="pk_revision_units"),
    )
    op.create_table(
        "revisions",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("plan_id", DIGEST, nullable=False),
        sa.Column("parent", NUMBER, nullable=True),
        sa.Column("state", STATE, nullable=False),
        sa.Column("desired_digest", DIGEST, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_commit", DIGEST, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revisions"),
    )
    op.create_table(
        "spec_store",
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("kind", STATE, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_spec_store"),
    )


def downgrade() -> None:
    for table in (
        "spec_store",
        "revisions",
        "revision_units",
        "revision_objects",
        "policies",
        "leases",
        "dynamic_tables",
        "catalog_meta",
        "audit",
        "archives",
        "agents",
        "agent_types",
        "agent_builder_sessions",
    ):
        op.drop_table(table)
