"""Sessions of the builder as they are kept: two clients, restarts, owners, ends; and models that come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.bootstrap import load_manifests, open_builder
from reconciler.builder import session as sessions
from reconciler.builder.modelling import Conditions
from reconciler.builder.service import AgentBuilderService
from reconciler.builder.session import SessionClosed, SessionMoved
from reconciler.builder.views import Reply, SessionState, Source
from reconciler.control.proposals import Author
from reconciler.errors import ManifestsInvalid, ModelMissing, NotFound, Refused
from reconciler.settings import Settings
from tests.ollama_faults import Fault
from tests.ollama_server import Answer, OllamaServer

Opened = Callable[[], AgentBuilderService]
INVOICES = ["document extraction", "vendor, total as amount", "none", "bills"]
QUICK = Conditions(timeout=1.0)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    (tmp_path / "agents.d").mkdir()
    return Settings(
        source=str(tmp_path / "agents.d"),
        database=database_url,
        cache=tmp_path / "cache",
        ollama_url="http://127.0.0.1:9",
    )


@pytest.fixture
def opened(settings: Settings) -> Opened:
    """Each call is a server started anew."""
    return lambda: open_builder(settings)


def test_a_session_goes_on_after_a_restart_between_any_two_turns(opened: Opened, settings: Settings) -> None:
    session = opened().start(owner="ann", guided=True)
    for line in [*INVOICES, "yes"]:
        opened().say(session.id, line, owner="ann")
    done = opened().finalize(session.id, Author("ann"), owner="ann")
    assert done.agent == "bills"
    assert done.session.state is SessionState.FINALIZED
    assert not load_manifests(settings).problems


def test_who_says_what_they_saw_is_told_when_somebody_else_spoke(opened: Opened) -> None:
    builder = opened()
    session = builder.start(owner="ann", guided=True)
    builder.say(session.id, "document extraction", version=session.version)
    with pytest.raises(SessionMoved):
        builder.say(session.id, "email", version=session.version)
    assert builder.session(session.id).template == "document-extraction"


def test_of_two_who_speak_at_once_nothing_is_lost_and_one_is_told(opened: Opened) -> None:
    builder = opened()
    session = builder.start(owner="ann", template="email", guided=True)
    both, replies = threading.Barrier(2), []

    def speak(text: str) -> None:
        mine = opened()
        both.wait()
        replies.append(mine.say(session.id, text))

    said = ["Sort it into bug, billing and sales", "call it support-desk and notify ops@example.com"]
    threads = [threading.Thread(target=speak, args=(text,)) for text in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    view = builder.session(session.id)
    assert len(replies) == 2
    assert {message.text for message in view.messages if message.role == "user"} == set(said)
    values = {slot.name: slot.value for slot in view.slots}
    assert values["name"] == "support-desk"
    assert [*values["categories"]] == ["bug", "billing", "sales"]
    assert view.version >= 3


def test_a_session_is_there_for_its_owner_alone(opened: Opened) -> None:
    builder = opened()
    session = builder.start(owner="ann", guided=True)
    for attempt in (
        lambda: builder.session(session.id, owner="bob"),
        lambda: builder.say(session.id, "email", owner="bob"),
        lambda: builder.schema(session.id, owner="bob"),
        lambda: builder.finalize(session.id, Author("bob"), owner="bob"),
        lambda: builder.fork(session.id, owner="bob", of="bob"),
        lambda: builder.delete(session.id, owner="bob"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert builder.list_sessions(owner="bob") == []
    assert [brief.id for brief in builder.list_sessions(owner="ann")] == [session.id]


def test_a_session_that_nobody_spoke_in_expires(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LIFETIME", timedelta(seconds=-1))
    builder = opened()
    session = builder.start(owner="ann", guided=True)
    assert builder.session(session.id).state is SessionState.EXPIRED
    with pytest.raises(SessionClosed):
        builder.say(session.id, "email")
    monkeypatch.undo()
    assert builder.fork(session.id, owner="ann").state is SessionState.COLLECTING


def test_a_draft_is_written_once_and_only_when_it_is_complete(opened: Opened) -> None:
    builder = opened()
    session = builder.start(owner="ann", guided=True)
    with pytest.raises(Refused):
        builder.finalize(session.id, Author("ann"))
    assert not builder.schema(session.id).ready
    for line in INVOICES:
        builder.say(session.id, line)
    preview = builder.schema(session.id)
    assert preview.ready
    assert preview.plan is not None
    assert preview.plan.summary.add == 3
    assert preview.sample_output == {"vendor": "Example vendor 1", "total": "121.50", "source": "test"}
    assert all(verdict.passed for verdict in preview.tests)
    builder.finalize(session.id, Author("ann"))
    with pytest.raises(SessionClosed):
        builder.finalize(session.id, Author("ann"))


def test_what_no_longer_passes_when_it_is_written_is_refused(opened: Opened, settings: Settings) -> None:
    builder = opened()
    session = builder.start(owner="ann", guided=True)
    for line in INVOICES:
        builder.say(session.id, line)
    policy = "apiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: late}\nspec: {tools: {deny: [text_extract]}}\n"
    Path(settings.source, "policy.yaml").write_text(policy)
    with pytest.raises(ManifestsInvalid):
        builder.finalize(session.id, Author("ann"))
    assert builder.session(session.id).state.open


# --- models that listen ---------------------------------------------------------------------------------------------


def _listened(settings: Settings, server: OllamaServer) -> AgentBuilderService:
    return open_builder(replace(settings, ollama_url=server.url), conditions=QUICK)


ANSWER = {
    "reply": 'I take it down, "gladly".',
    "name": "bills",
    "purpose": "Invoices become rows",
    "details": [
        {
            "name": "vendor",
            "type": "string",
            "required": False,
            "values": None,
            "description": "Who wrote it",
        },
        {"name": "total", "type": "decimal", "required": False, "values": None, "description": None},
    ],
}


def test_a_model_fills_what_rules_do_not_and_its_sentence_is_streamed(
    settings: Settings, ollama: OllamaServer
) -> None:
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann", template="document-extraction")
    assert (session.mode, session.model) == ("model", "llama3.2")
    ollama.answer(ANSWER)
    *pieces, reply = builder.stream(
        session.id, "our bills have a vendor on them and somewhere a total, I think"
    )
    assert isinstance(reply, Reply)
    assert "".join(map(str, pieces)) == reply.text
    assert reply.text.startswith('I take it down, "gladly".')
    assert len(pieces) > 1
    assert reply.usage.calls == 1
    assert reply.usage.prompt_tokens > 0
    slots = {slot.name: slot for slot in builder.session(session.id).slots}
    assert [*slots["details"].value] == ["vendor", "total"]
    assert slots["name"].source is Source.INFERRED


def test_an_answer_beside_the_form_is_given_back_and_put_right(
    settings: Settings, ollama: OllamaServer
) -> None:
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann", template="document-extraction")
    wrong = {**ANSWER, "details": [{"name": "total", "type": "money"}], "hosts": ["*"]}
    ollama.answer(wrong, ANSWER)
    reply = builder.say(session.id, "a vendor and somewhere a total, I think")
    assert reply.usage.calls == 2
    told = str(ollama.requests[-1].body["messages"][-1]["content"])
    assert "a type is one of" in told
    assert "hosts" in told
    assert "hosts" not in {slot.name for slot in builder.session(session.id).slots}


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_a_fault_of_the_server_loses_nothing_and_is_told(
    settings: Settings, ollama: OllamaServer, fault: Fault
) -> None:
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann")
    ollama.fault(fault, times=3)
    reply = builder.say(session.id, "Extract the vendor and total from invoices")
    view = builder.session(session.id)
    assert {slot.name for slot in view.slots} >= {"details"}
    assert [m.text for m in view.messages if m.role == "user"] == [
        "Extract the vendor and total from invoices"
    ]
    assert any("language model" in notice.lower() for notice in reply.notices) or reply.mode == "model"
    state = reply.state
    for line in ["none", "bills", "yes"]:
        state = builder.say(session.id, line).state
    assert state is SessionState.CONFIRMED


def test_a_server_that_goes_away_leaves_a_guided_session_and_may_come_back(
    settings: Settings, ollama: OllamaServer
) -> None:
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann")
    ollama.stop()
    reply = builder.say(session.id, "Extract the vendor and total from invoices")
    assert reply.mode == "guided"
    assert any("Nothing you said is lost" in notice for notice in reply.notices)
    assert builder.resume(session.id).mode == "guided"
    ollama.start()
    assert builder.resume(session.id).mode == "model"


def test_what_is_said_while_a_model_thinks_is_joined_with_what_it_makes_of_the_rest(
    settings: Settings, ollama: OllamaServer, opened: Opened
) -> None:
    """Of each slot what was changed counts, not what was merely there."""
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann", template="document-extraction")
    ollama.answer('{"reply": "Fine."}')
    builder.say(session.id, "vendor, total as amount")
    rest = threading.Event()
    ollama.answer(Answer({"reply": "Gladly I add it to the others."}, rest=rest))
    turn = builder.stream(session.id, "also extract the currency")
    assert str(next(turn))
    opened().resume(session.id, guided=True)
    opened().say(session.id, "call it bills")
    rest.set()
    *_, reply = turn
    assert isinstance(reply, Reply)
    view = builder.session(session.id)
    values = {slot.name: slot.value for slot in view.slots}
    assert [*values["details"]] == ["vendor", "total", "currency"]
    assert values["name"] == "bills"
    said = [message.text for message in view.messages if message.role == "user"]
    assert said == ["vendor, total as amount", "also extract the currency", "call it bills"]
    assert view.usage.calls == 2, "each answer is counted once"
    assert not {"name", "details"} & {question.slot for question in reply.questions}


def test_the_model_is_asked_with_the_key_and_as_it_is_set(settings: Settings, ollama: OllamaServer) -> None:
    ours = replace(
        settings,
        ollama_url=ollama.url,
        ollama_api_key="hush",
        builder_model="mistral",
        builder_temperature=0.3,
        builder_context=2048,
    )
    ollama.models = ("llama3.2:latest", "mistral:latest")
    builder = open_builder(ours)
    session = builder.start(owner="ann", template="blank")
    assert session.model == "mistral"
    builder.say(session.id, "title, note")
    assert {request.headers["authorization"] for request in ollama.requests} == {"Bearer hush"}
    asked = ollama.requests[-1].body
    assert asked["model"] == "mistral"
    assert (asked["options"]["temperature"], asked["options"]["num_ctx"]) == (0.3, 2048)
    kept = "".join(message.text for message in builder.session(session.id).messages)
    assert "hush" not in kept


def test_a_session_goes_on_with_the_model_it_began_with(settings: Settings, ollama: OllamaServer) -> None:
    ollama.models = ("llama3.2:latest", "mistral:latest")
    builder = _listened(settings, ollama)
    session = builder.start(owner="ann", model="mistral")
    ollama.stop()
    assert builder.say(session.id, "blank").mode == "guided"
    ollama.start()
    resumed = builder.resume(session.id)
    assert (resumed.mode, resumed.model) == ("model", "mistral")


def test_models_are_listed_and_one_that_was_named_has_to_be_there(
    settings: Settings, ollama: OllamaServer
) -> None:
    builder = _listened(settings, ollama)
    assert builder.models() == ["llama3.2:latest"]
    with pytest.raises(ModelMissing) as missing:
        builder.start(owner="ann", model="mistral")
    assert "llama3.2" in missing.value.hint
