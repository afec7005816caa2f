"""Tasks: submitted once, claimed within limits, ended by whoever holds the claim and by nobody else."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from reconciler.database import records
from reconciler.database.connection import Connection, connect
from reconciler.database.rows.ids import reserve
from reconciler.database.tasks import (
    Ended,
    NewTask,
    TaskFilter,
    cancel,
    claim,
    claim_one,
    finish,
    get,
    heartbeat,
    list_tasks,
    new_task_id,
    purge,
    redrive,
    release,
    submit,
    waiting_and_running,
)
from reconciler.errors import Denied, NotFound, UsageError
from reconciler.spec.task import Failure, StepTrace, TaskResult, TaskState, Write
from tests.integration.deployed import agent_of, deploy, type_of
from tests.integration.notes import (
    FAR_OFF,
    LONG_AGO,
    NOTES,
    claimed,
    deploy_notes,
    fail,
    let_be_due,
    let_expire,
    note,
    rows_of,
    states,
    submitted,
    succeed,
)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


# --- submitting -------------------------------------------------------------------------------------------


def test_a_task_is_kept_as_it_was_given(connection: Connection) -> None:
    deploy_notes(connection)
    given = {"text": "a\0 💩 \ud800", "big": 2**70, "list": [None, 1.5]}
    new = NewTask("ann", given, {"x": 1}, "key", 5, "", "cli", "eve")
    ((id_, created),) = [(one.id, one.created) for one in submit(connection, [new])]
    record = get(connection, id_)
    assert created
    assert (record.input, record.settings, record.idempotency_key) == (given, {"x": 1}, "key")
    line = record.line
    assert (line.agent, line.kind, line.type, line.state) == ("ann", "dynamic", "notes", TaskState.PENDING)
    assert (line.attempts, line.max_attempts, line.origin, line.actor) == (0, 5, "cli", "eve")
    assert line.submitted_at == line.not_before
    assert record.failure is None


def test_a_key_means_the_same_task_however_often_it_is_submitted(connection: Connection) -> None:
    deploy_notes(connection)
    tasks = [NewTask("ann", {"n": 1}, idempotency_key="k"), NewTask("ben", {}, idempotency_key="k")]
    first = submit(connection, tasks)
    again = submit(connection, [NewTask("ann", {"n": 2}, idempotency_key="k"), NewTask("ann", {})])
    assert [one.created for one in first] == [True, True]
    assert [one.created for one in again] == [False, True]
    assert again[0].id == first[0].id
    assert get(connection, first[0].id).input == {"n": 1}


def test_a_task_submitted_again_under_its_promised_id_is_the_same(connection: Connection) -> None:
    deploy_notes(connection)
    promised = new_task_id()
    for created in (True, False):
        assert [one.created for one in submit(connection, [NewTask("ann", {}, id=promised)])] == [created]
    assert [*states(connection)] == [promised]


def test_of_threads_that_submit_one_key_at_once_one_creates_it(database_url: str) -> None:
    with connect(database_url) as connection:
        deploy_notes(connection)
    answers = []

    def send() -> None:
        with connect(database_url) as own:
            for key in range(20):
                answers.extend(submit(own, [NewTask("ann", {}, idempotency_key=str(key))]))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 80
    assert sum(one.created for one in answers) == len({one.id for one in answers}) == 20


def test_a_task_for_nobody_is_refused_with_the_name_that_was_meant(connection: Connection) -> None:
    deploy_notes(connection)
    with pytest.raises(NotFound) as refusal:
        submit(connection, [NewTask("anna", {})])
    assert refusal.value.hint == "did you mean `ann`?"
    assert states(connection) == {}
    assert submit(connection, [NewTask("built-in", {}, kind="static")])[0].created


def test_ids_sort_as_they_were_made() -> None:
    ids = [new_task_id() for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert {(id_[14], len(id_)) for id_ in ids} == {("7", 36)}
    assert {id_[19] for id_ in ids} <= set("89ab")


# --- claiming -----------------------------------------------------------------------------------------------


def test_a_claim_has_all_it_takes_to_run_the_task(connection: Connection) -> None:
    limits = {"timeout": "90s", "concurrency": 5}
    deploy(
        connection,
        [type_of("notes", limits=limits)],
        [agent_of("ann", "notes", limits={"timeout": "30s", "memory": "64Mi"})],
        revision=7,
    )
    (id_,) = submitted(connection)
    (one,) = claimed(connection)
    assert (one.task.id, one.task.agent, one.task.input, one.task.attempt) == (id_, "ann", {"n": 0}, 1)
    assert (one.type, one.type_version, one.revision, one.max_attempts) == ("notes", "1.0.0", 7, 3)
    assert (one.limits.timeout, one.limits.memory, one.limits.concurrency) == (30, 64 * 2**20, 5)
    assert '"kind":"AgentType"' in one.blueprint.type_text
    assert '"kind":"Agent"' in one.blueprint.agent_text
    assert records.stored_specs(connection, [one.manifest_digest])[one.manifest_digest].kind == "type"
    record = get(connection, id_)
    assert (record.line.state, record.line.worker, record.line.attempts) == (TaskState.RUNNING, "w1", 1)
    assert (record.revision, record.manifest_digest) == (7, one.manifest_digest)


def test_the_blueprint_changes_with_either_manifest_and_only_then(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection, count=4)
    first, second = (claimed(connection, 1)[0].blueprint for _ in range(2))
    assert first is second
    deploy(connection, [], [agent_of("ann", "notes", limits={"timeout": "1s"})], build=False)
    third = claimed(connection, 1)[0].blueprint
    deploy(connection, [type_of("notes", version="1.0.1")], [], build=False)
    fourth = claimed(connection, 1)[0].blueprint
    assert len({first.digest, third.digest, fourth.digest}) == 3


def test_a_task_is_claimed_by_one_of_many_workers(database_url: str) -> None:
    with connect(database_url) as connection:
        deploy_notes(connection)
        ids = submitted(connection, count=200)
    taken: list[str] = []

    def work(name: str) -> None:
        with connect(database_url, lock_timeout=30) as own:
            while some := claim(own, name, 7, ttl=60):
                taken.extend(one.task.id for one in some)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


def test_who_waits_longest_comes_first_and_nobody_before_time(connection: Connection) -> None:
    deploy_notes(connection)
    (later,) = submitted(connection, not_before=FAR_OFF)
    ids = submitted(connection, count=3)
    (first,) = submitted(connection, not_before=LONG_AGO)
    assert [one.task.id for one in claimed(connection, 1)] == [first]
    assert [one.task.id for one in claimed(connection)] == ids
    assert claim_one(connection, "w1", later, ttl=60) is None


def test_each_agent_gets_its_share(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection, "ann", 100)
    submitted(connection, "ben", 3)
    assert Counter(one.task.agent for one in claimed(connection, 4)) == {"ann": 2, "ben": 2}
    assert Counter(one.task.agent for one in claimed(connection, 50)) == {"ann": 49, "ben": 1}


def test_no_more_tasks_run_than_an_agent_may_run_at_a_time(connection: Connection) -> None:
    deploy_notes(connection, ann={"concurrency": 3})
    submitted(connection, "ann", 10)
    submitted(connection, "ben", 2)
    first = claimed(connection)
    assert Counter(one.task.agent for one in first) == {"ann": 3, "ben": 2}
    assert claimed(connection) == []
    assert (
        claim_one(connection, "w1", min(set(states(connection)) - {one.task.id for one in first}), ttl=9)
        is None
    )
    succeed(connection, next(one for one in first if one.task.agent == "ann"))
    assert len(claimed(connection)) == 1


def test_no_more_tasks_start_in_a_minute_than_may(connection: Connection) -> None:
    deploy_notes(connection, ann={"tasks_per_minute": 4})
    submitted(connection, "ann", 10)
    for one in claimed(connection, 3):
        succeed(connection, one)
    assert len(claimed(connection)) == 1
    assert claimed(connection) == []
    connection.execute("UPDATE rate_counts SET bucket = bucket - 61")
    assert len(claimed(connection)) == 4


def test_limits_hold_between_workers_that_claim_at_once(database_url: str) -> None:
    with connect(database_url) as connection:
        deploy_notes(connection, ann={"concurrency": 5, "tasks_per_minute": 7})
        submitted(connection, "ann", 50)
    barrier = threading.Barrier(6)
    taken: list[str] = []

    def work(name: str) -> None:
        with connect(database_url, lock_timeout=30) as own:
            barrier.wait()
            for _ in range(3):
                taken.extend(one.task.id for one in claim(own, name, 4, ttl=60))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 5


def test_tasks_of_an_agent_that_is_disabled_or_gone_wait_for_it(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    deploy(connection, [], [agent_of("ann", "notes", enabled=False)], build=False)
    assert claimed(connection) == []
    records.remove_agents(connection, ["ann"], 2)
    assert claimed(connection) == []
    deploy(connection, [], [agent_of("ann", "notes")], build=False)
    records.remove_types(connection, ["notes"], 3)
    assert claimed(connection) == []
    deploy(connection, [NOTES], [], build=False)
    assert [one.task.id for one in claimed(connection)] == [id_]


def test_a_worker_takes_only_what_it_is_there_for(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection, "ann")
    submitted(connection, "ben")
    submitted(connection, "inventory", kind="static")
    assert [one.task.agent for one in claimed(connection, agents={"ben"})] == ["ben"]
    (static,) = claimed(connection, kind="static")
    assert (static.blueprint.kind, static.blueprint.agent, static.blueprint.type_text) == (
        "static",
        "inventory",
        "",
    )
    assert [one.task.agent for one in claimed(connection, kind="dynamic")] == ["ann"]


def test_one_task_is_claimed_by_its_id(connection: Connection) -> None:
    deploy_notes(connection)
    _, id_ = submitted(connection, count=2)
    one = claim_one(connection, "w1", id_, ttl=60)
    assert one is not None
    assert one.task.id == id_
    assert claim_one(connection, "w2", id_, ttl=60) is None
    assert claim_one(connection, "w2", "no-such-task", ttl=60) is None
    let_expire(connection)
    again = claim_one(connection, "w2", id_, ttl=60)
    assert again is not None
    assert again.token > one.token


# --- holding a claim ----------------------------------------------------------------------------------------


def test_a_claim_that_ran_out_is_taken_over_and_its_loser_writes_nothing(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection)
    (stale,) = claimed(connection, worker="w1")
    let_expire(connection)
    (fresh,) = claimed(connection, worker="w2")
    assert (fresh.task.id, fresh.task.attempt) == (stale.task.id, 2)
    lost = succeed(connection, stale, note(connection, "stale"))
    assert (lost.lost, lost.state) == (True, TaskState.RUNNING)
    assert rows_of(connection) == {}
    assert not succeed(connection, fresh, note(connection, "fresh")).lost
    assert rows_of(connection) == {fresh.task.id: ["fresh"]}
    late = fail(connection, stale, "bad_parameter")
    assert (late.lost, late.state) == (True, TaskState.SUCCEEDED)


def test_the_same_worker_with_an_older_token_has_lost_too(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    (stale,) = claimed(connection)
    let_expire(connection)
    (fresh,) = claimed(connection)
    assert heartbeat(connection, "w1", {id_: stale.token}, ttl=60).lost == {id_}
    assert heartbeat(connection, "w1", {id_: fresh.token}, ttl=60).lost == frozenset()
    assert succeed(connection, stale).lost


def test_a_claim_that_ran_out_but_nobody_took_still_counts(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection)
    (one,) = claimed(connection)
    let_expire(connection)
    assert succeed(connection, one).state is TaskState.SUCCEEDED


def test_a_claim_lasts_as_long_as_its_heart_beats(connection: Connection) -> None:
    deploy_notes(connection)
    ids = submitted(connection, count=3)
    tokens = {one.task.id: one.token for one in claimed(connection)}
    let_expire(connection)
    assert heartbeat(connection, "w1", {id_: tokens[id_] for id_ in ids[:2]}, ttl=60).lost == frozenset()
    cancel(connection, ids[0], "eve")
    held = heartbeat(connection, "w1", {**tokens, "gone": 1}, ttl=60)
    assert (held.lost, held.cancelled) == ({"gone"}, {ids[0]})
    assert heartbeat(connection, "somebody-else", tokens, ttl=60).lost == set(ids)
    assert claimed(connection) == []


def test_a_task_whose_workers_die_is_given_up_after_its_attempts(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection, max_attempts=2)
    for attempt in (1, 2):
        (one,) = claimed(connection)
        assert one.task.attempt == attempt
        let_expire(connection)
    assert claimed(connection) == []
    record = get(connection, id_)
    assert record.line.state is TaskState.DEAD_LETTER
    assert record.failure is not None
    assert record.failure.code == "crashed"
    assert record.line.finished_at


def test_what_a_worker_gives_back_costs_no_attempt(connection: Connection) -> None:
    deploy_notes(connection)
    ids = submitted(connection, count=2)
    claimed(connection)
    cancel(connection, ids[1], "eve", "too late")
    assert release(connection, "somebody-else", ids) == 0
    assert release(connection, "w1", ids) == 2
    assert states(connection) == {ids[0]: "pending", ids[1]: "cancelled"}
    (one,) = claimed(connection)
    assert one.task.attempt == 1


# --- ends ---------------------------------------------------------------------------------------------------


def test_an_end_is_kept_with_its_trace(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    (one,) = claimed(connection)
    trace = StepTrace("extract", "llm_processor", 2, "fallback", 1.5, 0.25, "timeout", "too slow", tokens=9)
    result = TaskResult({"a": [1, None]}, trace=(trace,), model="llama3.2", prompt_digest="p", tokens=9)
    (finished,) = finish(connection, [Ended(one, result)])
    assert (finished.state, finished.output) == (TaskState.SUCCEEDED, {"a": [1, None]})
    record = get(connection, id_)
    assert (record.output, record.model, record.prompt_digest, record.line.tokens) == (
        {"a": [1, None]},
        "llama3.2",
        "p",
        9,
    )
    assert record.trace[0]["step"] == "extract"
    assert record.trace[0]["error_code"] == "timeout"
    assert record.line.finished_at
    assert record.expires_at is None


ENDS = [
    ("unavailable", 1, "pending"),
    ("conflict", 1, "pending"),
    ("timeout", 3, "dead_letter"),
    ("bad_parameter", 1, "failed"),
    ("row_refused", 3, "failed"),
    ("something-new", 1, "failed"),
    ("cancelled", 1, "cancelled"),
]


@pytest.mark.parametrize(("code", "attempt", "state"), ENDS)
def test_how_a_failure_ends_depends_on_its_code_and_attempts(
    connection: Connection, code: str, attempt: int, state: str
) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    connection.execute("UPDATE tasks SET attempts = ?", (attempt - 1,))
    (one,) = claimed(connection)
    finished = fail(connection, one, code)
    assert (finished.state, finished.failure) == (state, Failure(code, "so it is"))
    record = get(connection, id_)
    assert (record.line.state, record.failure) == (state, Failure(code, "so it is"))
    assert (record.line.finished_at is None) == (state == "pending")
    assert (record.line.not_before > record.line.submitted_at) == (state == "pending")
    assert claimed(connection) == []


def test_one_that_fails_takes_nobody_with_it(connection: Connection) -> None:
    deploy_notes(connection)
    ids = submitted(connection, count=4)
    claims = claimed(connection)
    writes = [
        [note(connection, "a")],
        [note(connection, "b"), note(connection, "a")],
        [note(connection, "c")],
        [note(connection, "d"), note(connection, "", wrong=1)],
    ]
    results = [TaskResult({"n": n}, tuple(some)) for n, some in enumerate(writes)]
    finished = finish(connection, [Ended(one, result) for one, result in zip(claims, results, strict=True)])
    assert [one.state.value for one in finished] == ["succeeded", "failed", "succeeded", "failed"]
    assert rows_of(connection) == {ids[0]: ["a"], ids[2]: ["c"]}
    assert [one.failure and one.failure.code for one in finished] == [
        None,
        "row_refused",
        None,
        "row_refused",
    ]


def test_a_task_brought_back_twice_at_once_ends_once(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection)
    (one,) = claimed(connection)
    ends = [Ended(one, TaskResult({}, (note(connection, text),))) for text in ("a", "b")]
    assert [finished.lost for finished in finish(connection, ends)] == [False, True]
    assert [*rows_of(connection).values()] == [["a"]]


def test_an_end_that_was_acknowledged_is_there_for_others(database_url: str) -> None:
    with connect(database_url) as connection, connect(database_url) as other:
        deploy_notes(connection)
        (id_,) = submitted(connection)
        (one,) = claimed(connection)
        succeed(connection, one, note(connection, "a"))
        assert states(other) == {id_: "succeeded"}
        assert rows_of(other) == {id_: ["a"]}


# --- people ---------------------------------------------------------------------------------------------------


def test_a_task_that_waits_is_cancelled_at_once(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    assert cancel(connection, id_, "eve", "no longer needed") is TaskState.CANCELLED
    record = get(connection, id_)
    assert record.failure == Failure("cancelled", "cancelled by eve: no longer needed")
    assert claimed(connection) == []
    assert cancel(connection, id_, "eve") is TaskState.CANCELLED
    with pytest.raises(NotFound):
        cancel(connection, "no-such-task", "eve")


def test_a_task_that_runs_is_cancelled_when_it_comes_to_its_end(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    (one,) = claimed(connection)
    assert cancel(connection, id_, "eve") is TaskState.RUNNING
    finished = succeed(connection, one, note(connection, "a"))
    assert (finished.state, finished.failure) == (
        TaskState.CANCELLED,
        Failure("cancelled", "cancelled by eve"),
    )
    assert rows_of(connection) == {}


def test_a_cancelled_task_whose_worker_died_is_cancelled(connection: Connection) -> None:
    deploy_notes(connection)
    (id_,) = submitted(connection)
    claimed(connection)
    cancel(connection, id_, "eve")
    let_expire(connection)
    assert claimed(connection) == []
    assert states(connection) == {id_: "cancelled"}


def test_dead_letters_are_tried_again_from_the_start(connection: Connection) -> None:
    deploy_notes(connection)
    dead, done = submitted(connection, count=2, max_attempts=1)
    for one in claimed(connection):
        succeed(connection, one) if one.task.id == done else fail(connection, one)
    assert states(connection) == {dead: "dead_letter", done: "succeeded"}
    assert redrive(connection, [dead, done, "no-such-task"]) == [dead]
    (one,) = claimed(connection)
    assert (one.task.id, one.task.attempt) == (dead, 1)


def test_what_ended_long_ago_is_purged_and_its_rows_stay(connection: Connection) -> None:
    deploy_notes(connection)
    ids = submitted(connection, count=3, max_attempts=1)
    claims = claimed(connection)
    succeed(connection, claims[0], note(connection, "a"))
    fail(connection, claims[1])
    assert purge(connection, LONG_AGO) == 0
    assert purge(connection, FAR_OFF) == 1
    assert states(connection) == {ids[1]: "dead_letter", ids[2]: "running"}
    assert [*rows_of(connection).values()] == [["a"]]


def test_lists_are_narrowed_and_paged_newest_first(connection: Connection) -> None:
    deploy_notes(connection)
    ids = submitted(connection, "ann", 5) + submitted(connection, "ben", 4)
    for one in claimed(connection, 4, agents={"ann"}):
        fail(connection, one, "denied")
    found, cursor = [], ""
    while True:
        page = list_tasks(connection, cursor=cursor, limit=2)
        found += [line.id for line in page.tasks]
        cursor = page.next
        if not cursor:
            break
    assert found == sorted(ids, reverse=True)

    def listed(**filters: object) -> list[str]:
        return [line.id for line in list_tasks(connection, TaskFilter(**filters)).tasks]  # type: ignore[arg-type]

    assert listed(agent="ben") == sorted(ids[5:], reverse=True)
    assert listed(states=(TaskState.FAILED,)) == sorted(ids[:4], reverse=True)
    assert listed(error_code="denied", states=(TaskState.FAILED, TaskState.DEAD_LETTER)) == sorted(
        ids[:4], reverse=True
    )
    assert listed(type="notes", until=LONG_AGO) == []
    assert len(listed(since=LONG_AGO)) == 9
    assert waiting_and_running(connection) == {"ann": {"pending": 1}, "ben": {"pending": 4}}
    with pytest.raises(UsageError):
        list_tasks(connection, cursor="é")


# --- whose rows -------------------------------------------------------------------------------------------------


def test_a_task_writes_only_rows_of_its_own_and_of_the_agents_it_calls(connection: Connection) -> None:
    models = {"item": {"n": "integer"}}
    step = [{"id": "call", "agent": "called", "input": {}}]
    deploy(
        connection,
        [
            type_of("outer", models, pipeline=[{"id": "both", "parallel": step}]),
            type_of("inner", models),
            type_of("alien", models),
        ],
        [agent_of("caller", "outer"), agent_of("called", "inner"), agent_of("stranger", "alien")],
    )

    def result(type_name: str, agent: str) -> TaskResult:
        (row_id,) = reserve(connection, f"{type_name}__item", 1)
        return TaskResult({}, (Write(type_name, "item", agent, "1.0.0", "insert", {"n": 1}, row_id),))

    cases = [
        ("outer", "caller", None),
        ("inner", "called", None),
        ("alien", "stranger", Denied.code),
        ("outer", "called", Denied.code),
        ("inner", "caller", Denied.code),
    ]
    submitted(connection, "caller", len(cases))
    ends = [Ended(one, result(*case[:2])) for one, case in zip(claimed(connection), cases, strict=True)]
    for finished, (type_name, agent, code) in zip(finish(connection, ends), cases, strict=True):
        assert (finished.failure.code if finished.failure else None) == code, (type_name, agent)


def test_what_waits_for_another_attempt_is_tried_when_its_time_has_come(connection: Connection) -> None:
    deploy_notes(connection)
    submitted(connection)
    (one,) = claimed(connection)
    fail(connection, one)
    assert claimed(connection) == []
    let_be_due(connection)
    (again,) = claimed(connection)
    assert (again.task.id, again.task.attempt) == (one.task.id, 2)
