"""A plan as an Alembic revision file, for teams whose DBAs run migrations themselves.

Once they have run it, the next pass finds the tables as desired and only records them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.database.statement import Statement
    from reconciler.plans.plan import Plan

_HEAD = '''"""reconcile plan {identity}: {summary}"""

from alembic import op

revision = "{identity}"
down_revision = None
branch_labels = ("reconciler",)
depends_on = None


def upgrade() -> None:
'''

_TAIL = '''

def downgrade() -> None:
    raise NotImplementedError("bring back the former manifests and plan again; nothing was lost")
'''


def write_revision(plan: Plan, units: Iterable[tuple[str, Sequence[Statement]]], folder: Path) -> Path:
    """The file that was written. Statements that may not run in a transaction stand in an autocommit block."""
    from reconciler.database.statement import Phase

    body: list[str] = []
    for name, statements in units:
        body.append(f"    # {name}")
        for statement in statements:
            call = f"op.execute({statement.sql!r})"
            if statement.phase is Phase.CONCURRENT_INDEX:
                body += ["    with op.get_context().autocommit_block():", f"        {call}"]
            else:
                body.append(f"    {call}")
    file = folder / f"{plan.id}_reconcile.py"
    text = _HEAD.format(identity=plan.id, summary=plan.summary.text) + ("\n".join(body) or "    pass") + "\n" + _TAIL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    return file
