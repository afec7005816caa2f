"""Tasks and all that running agents leaves behind."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
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
        "rate_counts",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("bucket", NUMBER, autoincrement=False, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", "bucket", name="pk_rate_counts"),
    )
    op.create_table(
        "schedules",
        sa.Column("agent", NAME, nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("last_fired", TIME, nullable=True),
        sa.Column("next_due", TIME, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next_due", "schedules", ["next_due"])
    op.create_table(
        "security_incidents",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("severity", STATE, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("agent", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_security_incidents"),
    )
    op.create_index("ix_security_incidents_agent", "security_incidents", ["agent"])
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("agent", NAME, nullable=False),
        sa.Column("kind", STATE, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("type_version", sa.String(length=20), nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("token", NUMBER, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("max_attempts", NUMBER, nullable=False),
        sa.Column("cancel_requested", sa.Text(), nullable=True),
        sa.Column("error_code", NAME, nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_where", sa.Text(), nullable=True),
        sa.Column("error_hint", sa.Text(), nullable=True),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("manifest_digest", DIGEST, nullable=False),
        sa.Column("prompt_digest", DIGEST, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("tokens", NUMBER, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )
    op.create_index("ix_tasks_agent_id", "tasks", ["agent", "id"])
    _index_where(
        "uq_tasks_agent_idempotency_key", "idempotency_key IS NOT NULL", ["agent", "idempotency_key"]
    )
    _index_where("ix_tasks_pending", "state = 'pending'", ["agent", "not_before"])
    _index_where("ix_tasks_running", "state = 'running'", ["agent", "expires_at"])
    _index_where("ix_tasks_unsuccessful", "state IN ('failed', 'cancelled', 'dead_letter')", ["state", "id"])
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", NUMBER, nullable=False),
        sa.Column("kind", STATE, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("capacity", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    op.create_index("ix_workers_seen_at", "workers", ["seen_at"])


def _index_where(name: str, condition: str, columns: list[str]) -> None:
    op.create_index(
        name,
        "tasks",
        columns,
        unique=name.startswith("uq_"),
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


def downgrade() -> None:
    for table in ("workers", "tasks", "security_incidents", "schedules", "rate_counts"):
        op.drop_table(table)
