"""The builder over HTTP: start -> chat -> schema -> finalize, in a folder and in a repository, whatever is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests import git_server
from tests.acceptance.build_server import BuildServer, reader
from tests.acceptance.test_build_walk import MOST_ANSWERS, WALKS
from tests.forge_server import ForgeServer
from tests.ollama_faults import Fault
from tests.ollama_server import Answer, OllamaServer
from tests.repository import Repository

INVOICES = ["document extraction", "vendor, total as amount", "none", "bills", "yes"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[BuildServer]:
    """Without a language model."""
    with BuildServer(folder / "guided") as server:
        yield server


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaServer]:
    with OllamaServer() as ollama:
        yield ollama


@pytest.fixture(scope="module")
def listening(folder: Path, ollama: OllamaServer) -> Iterator[BuildServer]:
    """With one."""
    with BuildServer(folder / "listening", RECONCILER_OLLAMA_URL=ollama.url) as server:
        yield server


def _led(server: BuildServer, answers: list[str]) -> str:
    """A session to its yes."""
    session = server.begin()
    for line in answers:
        reply = server.say(session["id"], line)
    assert reply["state"] == "confirmed", reply["text"]
    identity: str = session["id"]
    return identity


# --- the walk ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", WALKS)
def test_in_a_folder_it_ends_in_files_that_are_applied_and_that_others_accept(
    server: BuildServer, tmp_path: Path, template: str
) -> None:
    assert len(WALKS[template]) <= MOST_ANSWERS
    session = _led(server, WALKS[template])
    preview = server.schema(session)
    assert preview["ready"]
    assert all(verdict["passed"] for verdict in preview["tests"])

    done = server.finalize(session)
    assert done["live"]
    assert done["revision"]
    assert done["session"]["state"] == "finalized"
    assert {f"agents.d/{path}" for path in done["paths"]} <= {
        str(path.relative_to(server.folder)) for path in server.agents.rglob("*.yaml")
    }
    other = reader(tmp_path / "other", str(server.agents))
    planned = other("--plan", "--detailed-exitcode", "--json")
    assert planned.code == 2
    assert f"agent/{done['agent']}" in planned.out


def test_in_a_repository_it_ends_in_a_pull_request_that_others_accept(tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    work.commit({"agents.d/README": "Agents.\n"})
    bare = work.bare_copy(tmp_path / "served" / "team" / "agents.git")
    with git_server.serving(tmp_path / "served") as git, ForgeServer() as forge:
        source = f"git+{git.url}/team/agents.git@main#agents.d"
        environment = {
            "RECONCILER_FORGE": "github",
            "RECONCILER_FORGE_API": forge.url,
            "RECONCILER_GIT_TOKEN": "hush",
        }
        with BuildServer(tmp_path / "server", source, **environment) as server:
            session = _led(server, INVOICES)
            assert server.schema(session)["ready"]
            before = work.git("ls-remote", "origin")
            done = server.finalize(session, 202)
            assert (done["live"], done["revision"]) == (False, None)
            assert server.session(session)["state"] == "finalized"
            assert server.refused("POST", f"{session}/finalize").json()["code"] == "session-closed"

        [request] = forge.opened
        assert done["url"] == f"{forge.url}/team/agents/pull/1"
        assert (request["head"], request["base"]) == (done["branch"], "main")
        assert request["title"] == "Add agent type bills"
        assert "vendor, total (said)" in request["body"]
        assert work.git("ls-remote", "origin", "main") in before, "the followed branch is as it was"
        work.git("fetch", "--quiet", "origin")
        author = work.git("log", "-1", "--format=%an", done["commit"])
        assert author == "ann"

        main = reader(tmp_path / "main", source)
        assert main("--plan", "--detailed-exitcode").code == 0, "nothing is proposed to those who follow main"
        branch = reader(tmp_path / "branch", f"git+{git.url}/team/agents.git@{done['branch']}#agents.d")
        planned = branch("--plan", "--detailed-exitcode")
        assert planned.code == 2
        assert "bills" in planned.out
        work.git("push", "--quiet", "origin", f"origin/{done['branch']}:main")
        assert reader(tmp_path / "merged", source)("--plan", "--detailed-exitcode").code == 2
    assert "hush" not in (bare / "config").read_text()


def test_what_would_lose_data_is_not_written_before_it_is_allowed(
    server: BuildServer, tmp_path: Path
) -> None:
    session = _led(server, ["blank", "title (required), note", "ledger", "yes"])
    server.finalize(session)
    same = reader(tmp_path / "same", str(server.agents), server.database)
    assert same("run", "ledger", "--input", '{"title": "Rent", "note": "paid"}').code == 0
    before = (server.agents / "ledger/type.yaml").read_text()
    change = _led(server, ["Change ledger: remove the field note", "yes"])
    refused = server.refused("POST", f"{change}/finalize").json()
    assert refused["code"] == "refused"
    assert refused["hazards"]
    assert (server.agents / "ledger/type.yaml").read_text() == before
    assert server.session(change)["state"] == "confirmed", "it can be gone on with"
    done = server.finalize(change, allow=refused["allow"])
    assert done["revision"]
    assert (server.agents / "ledger/type.yaml").read_text() != before
    assert same("--plan", "--detailed-exitcode").code == 0, "all of it is applied"


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_server_that_is_killed_between_any_two_turns_goes_on(tmp_path: Path) -> None:
    server = BuildServer(tmp_path / "killed")
    with server:
        session = server.begin(guided=True)["id"]
    for line in INVOICES:
        with server:
            reply = server.say(session, line)
    with server:
        assert server.session(session)["state"] == reply["state"] == "confirmed"
        assert server.finalize(session)["agent"] == "bills"


def test_a_server_that_is_killed_within_a_turn_has_kept_what_was_said(
    tmp_path: Path, ollama: OllamaServer
) -> None:
    environment = {"RECONCILER_OLLAMA_URL": ollama.url, "RECONCILER_BUILDER_TIMEOUT": "60"}
    server = BuildServer(tmp_path / "killed", **environment)
    said = "Extract the vendor and the total from invoices"
    with server:
        session = server.begin()["id"]
        never = Event()
        ollama.answer(Answer({"reply": "I take it down, gladly, as it is."}, rest=never))
        assert next(server.events(session, said))[0] == "piece"
    never.set()
    with server:
        view = server.session(session)
        assert [m["text"] for m in view["messages"] if m["role"] == "user"] == [said]
        [details] = [slot["value"] for slot in view["slots"] if slot["name"] == "details"]
        assert [*details] == ["vendor", "total"]
        [asked, *_] = view["questions"]
        ollama.respond = lambda request: '{"reply": "Fine."}'
        server.say(session, "none")
        assert asked["slot"] in {slot["name"] for slot in server.session(session)["slots"]}


def test_of_two_clients_the_one_that_saw_less_is_told(server: BuildServer) -> None:
    session = server.begin(template="document-extraction")
    server.say(session["id"], "vendor, total", version=session["version"])
    late = server.refused("POST", f"{session['id']}/chat", text="customer", version=session["version"])
    assert (late.status_code, late.json()["code"]) == (412, "session-moved")
    late = server.refused("POST", f"{session['id']}/finalize", version=session["version"])
    assert late.status_code == 412
    assert len(server.session(session["id"])["messages"]) == 3


def test_sessions_are_listed_and_forgotten(server: BuildServer) -> None:
    session = server.begin(text="Store visitors: name, company")["id"]
    assert session in [brief["id"] for brief in server.listed()]
    server.forget(session)
    assert session not in [brief["id"] for brief in server.listed()]
    assert server.refused("GET", f"{session}").status_code == 404


# --- a language model -------------------------------------------------------------------------------------------------


def test_a_reply_is_streamed_while_the_model_still_writes(
    listening: BuildServer, ollama: OllamaServer
) -> None:
    session = listening.begin(template="document-extraction")["id"]
    sentence, rest = "I take down the vendor and the total.", Event()
    ollama.answer(Answer({"reply": sentence, "name": "bills"}, rest=rest))
    events = listening.events(session, "vendor, total as amount")
    begun = next(events)
    rest.set()
    *pieces, (last, reply) = [begun, *events]
    assert {name for name, _ in pieces} == {"piece"}
    assert len(pieces) > 3
    assert "".join(data["text"] for _, data in pieces) == reply["text"]
    assert (last, reply["mode"]) == ("reply", "model")
    assert reply["text"].startswith(sentence)
    assert reply["usage"]["calls"] == 1


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_no_fault_of_the_model_within_a_turn_loses_anything(
    listening: BuildServer, ollama: OllamaServer, fault: Fault
) -> None:
    session = listening.begin(template="document-extraction")
    assert session["mode"] == "model"
    ollama.answer('{"reply": "Fine."}')
    listening.say(session["id"], "vendor, total as amount")
    ollama.fault(fault, times=3)
    *_, (last, reply) = listening.events(session["id"], f"call it bills-{fault.value.replace('_', '-')}")
    assert last == "reply", reply
    assert any("language model" in notice.lower() for notice in reply["notices"])
    ollama.respond = lambda request: '{"reply": "Fine."}'
    _drained(ollama)
    state = listening.say(session["id"], "none")["state"]
    assert state == "preview"
    assert listening.say(session["id"], "yes")["state"] == "confirmed"
    values = {slot["name"]: slot["value"] for slot in listening.session(session["id"])["slots"]}
    assert [*values["details"]] == ["vendor", "total"]
    assert values["name"] == f"bills-{fault.value.replace('_', '-')}"


def _drained(ollama: OllamaServer) -> None:
    """What a fault has left over is for nobody."""
    request: Any = None
    while ollama.next(request) != '{"reply": "Fine."}':
        pass
