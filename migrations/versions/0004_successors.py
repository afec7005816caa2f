"""What took the place of a parked column: by it is told which rows were written since."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archives", sa.Column("became", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("archives", "became")
