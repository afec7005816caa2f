"""What a server remembers from one request to the next, and the short way to the routes asked for most."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.config import ServeConfig
from api.direct import DirectRoute
from api.reading import Moment, Reader
from reconciler.database.api_keys import Role, create_key, keys, revoke_key
from reconciler.database.connection import connect
from tests.api_server import NOTES, PEPPER, Api, serving

RESULTS = "/api/v1/agents/my-notes/results"


def test_a_revoked_key_is_refused_by_the_very_next_request(seeded: Api) -> None:
    client = seeded.as_(Role.VIEWER)
    assert client.get(RESULTS).status_code == 200
    with connect(seeded.settings.database) as elsewhere:
        (key,) = [key for key in keys(elsewhere) if key.role is Role.VIEWER]
        revoke_key(elsewhere, key.id)
    assert client.get(RESULTS).status_code == 401


def test_a_key_made_after_it_was_refused_is_let_in(seeded: Api) -> None:
    client = seeded.as_(Role.VIEWER)
    client.headers["Authorization"] = "Bearer rk_none_none"
    assert client.get(RESULTS).status_code == 401
    with connect(seeded.settings.database) as elsewhere:
        text, _ = create_key(elsewhere, "new", Role.VIEWER, pepper=PEPPER, created_by="tests")
    client.headers["Authorization"] = f"Bearer {text}"
    assert client.get(RESULTS).status_code == 200


def test_rows_and_fields_that_came_meanwhile_are_there_in_the_next_answer(seeded: Api) -> None:
    client = seeded.admin
    before = client.get(RESULTS).json()["items"]
    seeded.run({"text": "one more"})
    assert len(client.get(RESULTS).json()["items"]) == len(before) + 1
    changed = deepcopy(NOTES)
    changed["spec"]["version"] = "1.1.0"
    changed["spec"]["models"]["note"]["fields"]["mood"] = {"type": "text"}
    tag = client.get("/api/v1/agent-types/notes").headers["etag"]
    answer = client.put("/api/v1/agent-types/notes", json=changed, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    assert "mood" in client.get(RESULTS).json()["items"][0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("my-notes/results", 200),
        ("dynamic/my-notes/results", 200),
        ("dynamic/results", 404),
        ("nobody/results", 404),
        ("My-Notes/results", 404),
        ("a%2Fb/results", 404),
        (f"{'a' * 63}/results", 404),
        (f"{'a' * 64}/results", 422),
        ("my-notes/results/", 307),
        ("my-notes/results?limit=0", 400),
        ("my-notes/results?filter[nothing]=1", 400),
    ],
)
def test_the_short_way_answers_as_the_long_one(
    seeded: Api, path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> tuple[int, object, set[str]]:
        answer = seeded.as_(Role.VIEWER).get(f"/api/v1/agents/{path}", follow_redirects=False)
        body = {**answer.json(), "trace_id": ""} if answer.content else None
        return answer.status_code, body, {*answer.headers}

    short = told()
    direct, *others = seeded.app.router.routes
    assert isinstance(direct, DirectRoute)
    monkeypatch.setattr(seeded.app.router, "routes", others)
    assert told() == short
    assert short[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "PATCH"])
def test_what_is_only_read_is_nothing_to_write_to(seeded: Api, method: str) -> None:
    answer = seeded.admin.request(method, RESULTS)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


def test_what_was_learnt_holds_until_somebody_commits(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/some.db"
    with connect(url) as writer:
        writer.execute("CREATE TABLE some (value)")
        writer.execute("INSERT INTO some VALUES (1)")
        asked: list[int] = []
        reader = Reader(lambda: connect(url))
        value = _recalling(asked)
        assert [reader.ask(value), reader.ask(value)] == [1, 1]
        assert asked == [1]
        writer.execute("UPDATE some SET value = 2")
        assert [reader.ask(value), reader.ask(value)] == [2, 2]
        assert asked == [1, 2]
        reader.close()
        assert reader.ask(value) == 2
        reader.close()


def _recalling(asked: list[int]) -> Callable[[Moment], int]:
    def value(moment: Moment) -> int:
        if "value" not in moment.known:
            asked.append(moment.connection.execute("SELECT value FROM some")[0][0])
            moment.known["value"] = asked[-1]
        return int(moment.known["value"])

    return value


def test_a_key_that_is_about_to_expire_is_not_remembered(tmp_path: Path) -> None:
    with serving(tmp_path, config=ServeConfig(pepper=PEPPER, hosts=("localhost",))) as api:
        with connect(api.settings.database) as elsewhere:
            until = datetime.now(UTC) + timedelta(seconds=0.8)
            text, _ = create_key(
                elsewhere, "short", Role.VIEWER, pepper=PEPPER, created_by="tests", expires_at=until
            )
        client = api.as_(Role.VIEWER)
        client.headers["Authorization"] = f"Bearer {text}"
        client.get("/api/v1/agents")
        time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 0.01)
        assert client.get("/api/v1/agents").status_code == 401
