"""How objects are to be deleted, and where the audit ends."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATE = sa.String(12)
TIME = sa.String(32)
DIGEST = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "deletions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("mode", STATE, nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("ordered_at", TIME, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("revision", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
    )
    still_open = sa.text("state IN ('ordered', 'removed')")
    op.create_index(
        "uq_deletions_open",
        "deletions",
        ["address"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.execute(
        "INSERT INTO catalog_meta (key, value)"
        " SELECT 'audit', (SELECT count(*) FROM audit) || ' ' || hash FROM audit ORDER BY id DESC LIMIT 1"
    )


def downgrade() -> None:
    op.execute("DELETE FROM catalog_meta WHERE key = 'audit'")
    op.drop_table("deletions")
