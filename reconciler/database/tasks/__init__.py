"""Tasks in the database: submitted, claimed, ended, looked at.

    submitting.py    on their way in; identity.py, their ids; sealed_input.py, what the queue must not show
    claiming.py      on their way to a worker: allowance.py, how many; deployments.py, of which agents
    keeping.py       claims renewed and given back
    finishing.py     ends, each with its rows: writers.py, whose; retrying.py, or tried again
    reading.py       as they stand
    steering.py      cancelled, brought back, cleared away

Plain SQL on a `Connection`, in sets, alike on both databases. What belongs here: what must be true of tasks whatever
happens to those who work on them. What does not: running them, and deciding what is submitted when.
"""

from reconciler.database.tasks.claiming import claim, claim_one, take_over
from reconciler.database.tasks.deployments import blueprint
from reconciler.database.tasks.finishing import finish
from reconciler.database.tasks.identity import new_task_id
from reconciler.database.tasks.keeping import heartbeat, release
from reconciler.database.tasks.reading import get, lines, list_tasks, outputs, waiting_and_running
from reconciler.database.tasks.records import (
    Claimed,
    Ended,
    Finished,
    Held,
    NewTask,
    Submitted,
    TaskFilter,
    TaskKind,
    TaskLine,
    TaskPage,
    TaskRecord,
)
from reconciler.database.tasks.steering import cancel, cancel_all_of, purge, redrive
from reconciler.database.tasks.submitting import submit

__all__ = [
    "Claimed",
    "Ended",
    "Finished",
    "Held",
    "NewTask",
    "Submitted",
    "TaskFilter",
    "TaskKind",
    "TaskLine",
    "TaskPage",
    "TaskRecord",
    "blueprint",
    "cancel",
    "cancel_all_of",
    "claim",
    "claim_one",
    "finish",
    "get",
    "heartbeat",
    "lines",
    "list_tasks",
    "new_task_id",
    "outputs",
    "purge",
    "redrive",
    "release",
    "submit",
    "take_over",
    "waiting_and_running",
]
