"""A server to develop against: what is in it, and how it is made to misbehave."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.dev_server import DevServer, dev_server
from tests.unit.documentation.node import NEWMAN, node_with_packages


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with dev_server(tmp_path_factory.mktemp("dev"), "--tasks", "2", "--rows", "20") as served:
        yield served


@pytest.fixture
def client(server: DevServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=30) as made:
        yield made
        made.put("/dev/switches", json={})


def items(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_there_are_types_agents_tasks_rows_revisions_and_something_in_the_archive(
    client: httpx.Client,
) -> None:
    assert {one["name"] for one in items(client, "/agent-types")} > {"feedback", "email-analysis"}
    assert {one["state"] for one in items(client, "/tasks")} >= {"succeeded"}
    for agent in items(client, "/agents?kind=dynamic"):
        assert items(client, f"/agents/{agent['name']}/results"), agent["name"]
    assert [one["number"] for one in items(client, "/revisions")] == [2, 1]
    assert [one["column"] for one in items(client, "/archives")] == ["reference"]
    assert client.get("/api/v1/plan").json()["changes"] == []


def test_a_task_that_asks_a_language_model_succeeds_without_one(client: httpx.Client) -> None:
    submitted = client.post(
        "/api/v1/agents/feedback-reader/tasks", json={"input": {"text": "Lovely."}}
    ).json()
    with client.stream("GET", f"/api/v1/tasks/{submitted['id']}/events") as events:
        *_, data = (line for line in events.iter_lines() if line.startswith("data: "))
    ended = json.loads(data.removeprefix("data: "))
    assert (ended["state"], ended["output"]["text"]) == ("succeeded", "Lovely.")


def test_the_builder_asks_by_rules(client: httpx.Client) -> None:
    assert client.post("/api/v1/agent-builder/start", json={}).json()["mode"] == "guided"


def test_one_request_is_made_to_fail_by_its_header(client: httpx.Client) -> None:
    answer = client.get("/api/v1/status", headers={"X-Dev-Fault": "503"})
    assert (answer.status_code, answer.json()["code"]) == (503, "asked-for")
    assert client.get("/api/v1/status").status_code == 200


def test_one_answer_is_cut_by_its_header(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/v1/status", headers={"X-Dev-Fault": "cut"})


def test_one_answer_is_held_back_by_its_header(client: httpx.Client) -> None:
    slow = client.get("/api/v1/caller", headers={"X-Dev-Latency": "400"})
    assert slow.status_code == 200
    assert slow.elapsed.total_seconds() >= 0.4


def test_all_requests_are_made_to_fail_until_they_no_longer_are(client: httpx.Client) -> None:
    switches = {"latency": 0, "faults": 1.0, "fault": "429"}
    assert client.put("/dev/switches", json=switches).json() == switches
    assert client.get("/api/v1/status").status_code == 429
    assert client.get("/").status_code == 200, "the console itself stays"
    assert client.put("/dev/switches", json={}).json()["faults"] == 0
    assert client.get("/api/v1/status").status_code == 200


@pytest.mark.parametrize("wrong", [{"faults": 2}, {"latency": -1}, {"fault": "200"}, {"fast": True}])
def test_switches_that_make_no_sense_change_nothing(client: httpx.Client, wrong: dict[str, Any]) -> None:
    answer = client.put("/dev/switches", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert client.get("/dev/switches").json() == {"latency": 0, "faults": 0.0, "fault": "503"}


def test_newman_runs_the_collection_against_it(
    server: DevServer, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from reconciler.documentation.postman import postman_collection
    from tests.unit.documentation.hostile import shipped

    node = node_with_packages(Path(request.config.cache.mkdir("newman")), NEWMAN)  # type: ignore[union-attr]
    state = shipped()
    named = [address.partition("/") for address in sorted(state.entries)]
    types = [found for kind, _, name in named if kind == "type" and (found := state.agent_type(name))]
    agents = [found for kind, _, name in named if kind == "agent" and (found := state.agent(name))]
    (tmp_path / "collection.json").write_text(json.dumps(postman_collection(types, agents, server.base_url)))
    program = str(node.modules / "newman/bin/newman.js")
    command = ["node", program, "run", "collection.json", "--env-var", f"api_key={server.key}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert re.search(r"assertions\s*│\s*\d{2}\s*│\s*0\s*│", done.stdout), done.stdout[-5000:] + done.stderr
