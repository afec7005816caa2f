"""What a controller tells of every object, which of them are suspended, and drift with when it was first seen."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATE = sa.String(12)
NAME = sa.String(63)
TIME = sa.String(32)
DIGEST = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "object_conditions",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("condition", STATE, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("sync", STATE, nullable=False),
        sa.Column("health", STATE, nullable=False),
        sa.Column("generation", DIGEST, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("source_commit", DIGEST, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_object_conditions"),
    )
    op.create_table(
        "suspensions",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("address", name="pk_suspensions"),
    )
    op.create_table(
        "drift_sightings",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("recorded", sa.Text(), nullable=True),
        sa.Column("live", sa.Text(), nullable=True),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("treatment", STATE, nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_drift_sightings"),
    )


def downgrade() -> None:
    op.drop_table("drift_sightings")
    op.drop_table("suspensions")
    op.drop_table("object_conditions")
