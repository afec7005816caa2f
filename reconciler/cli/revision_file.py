"""A plan as an Alembic revision file, for teams whose DBAs run migrations themselves.

Once they have run it, the next plan finds the tables as they should be, and its apply only records them. The
files of a folder form one chain, labelled `reconciler`, which stands beside whatever other revisions a team
has there: `alembic upgrade reconciler@head`. A file that was never run is to be deleted before the next is
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.database.statement import Statement
    from reconciler.plans.plan import Plan

_SUFFIX = "_reconcile.py"

_HEAD = '''\
"""reconcile plan {identity}

{summary}
"""

import sqlalchemy as sa
from alembic import op

revision = "{identity}"
down_revision = {former!r}
branch_labels = {labels!r}
depends_on = None


def upgrade() -> None:
'''

_TAIL = """

def downgrade() -> None:
    raise NotImplementedError("bring back the former manifests and plan again; nothing was lost")


def run(statement: str) -> None:
    op.execute(sa.text(statement))


def refuse_if_any(question: str, reason: str) -> None:
    if not op.get_context().as_sql and op.get_bind().execute(sa.text(question)).first() is not None:
        raise RuntimeError(f"refused: {reason}")
"""

_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_FORMER = re.compile(r"^down_revision = '(\w+)'$", re.MULTILINE)
_MEANT_AS_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


def write_revision(plan: Plan, units: Iterable[tuple[str, Sequence[Statement]]], folder: Path) -> Path:
    """The file that was written. Statements that may not run in a transaction stand in an autocommit block."""
    file = folder / f"{plan.id}{_SUFFIX}"
    body = "\n".join(line for unit in units for line in _unit_lines(*unit)) or "    pass"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        former = _last_of_chain(folder, except_for=file)
        labels = ("reconciler",) if former is None else None
        head = _HEAD.format(identity=plan.id, summary=plan.summary.text, former=former, labels=labels)
        file.write_text(f"{head}{body}\n{_TAIL}", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    return file


def _last_of_chain(folder: Path, *, except_for: Path) -> str | None:
    """The revision that no other one follows; None where there is none yet."""
    texts = [file.read_text(encoding="utf-8") for file in folder.glob(f"*{_SUFFIX}") if file != except_for]
    followed = {found[1] for text in texts if (found := _FORMER.search(text))}
    last = {found[1] for text in texts if (found := _REVISION.search(text))} - followed
    return min(last, default=None)


def _unit_lines(name: str, statements: Sequence[Statement]) -> Iterator[str]:
    from reconciler.database.statement import Phase

    yield f"    # {name}"
    for statement in statements:
        sql = _MEANT_AS_PARAMETER.sub(r"\:", statement.whole)
        if statement.expect_empty:
            reason = statement.comment or "rows refer to rows that are not there"
            yield f"    refuse_if_any({sql!r}, {reason!r})"
        elif statement.phase is Phase.CONCURRENT_INDEX:
            yield "    with op.get_context().autocommit_block():"
            yield f"        run({sql!r})"
        else:
            yield f"    run({sql!r})"
