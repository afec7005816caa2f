"""Agents held by their operators or by incidents; how far a rotation of encryption keys has come."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(63)


def upgrade() -> None:
    op.create_table(
        "agent_holds",
        sa.Column("agent", NAME, nullable=False),
        sa.Column("held_at", sa.String(length=32), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_agent_holds"),
    )
    op.create_table(
        "key_rotations",
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("stored_as", NAME, nullable=False),
        sa.Column("after_id", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "stored_as", name="pk_key_rotations"),
    )
    op.drop_index("ix_security_incidents_agent", table_name="security_incidents")
    op.create_index("ix_security_incidents_agent_at", "security_incidents", ["agent", "at"])


def downgrade() -> None:
    op.drop_index("ix_security_incidents_agent_at", table_name="security_incidents")
    op.create_index("ix_security_incidents_agent", "security_incidents", ["agent"])
    op.drop_table("key_rotations")
    op.drop_table("agent_holds")
