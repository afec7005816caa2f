"""What holds for every request: problems, keys, sizes, conditions, replays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.auth import Guesses
from api.config import ServeConfig
from api.serving import admitted
from reconciler.database.api_keys import Role, create_key, keys, revoke_key
from reconciler.database.connection import connect
from reconciler.errors import UsageError
from tests.api_server import MY_NOTES, NOTES, PEPPER, Api, serving

# --- problems --------------------------------------------------------------------------------------------


def test_a_problem_names_its_code_and_the_trace_of_the_request(api: Api) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = api.admin.get("/api/v1/agents/nobody", headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-trace-id"] == trace
    told = answer.json()
    assert (told["status"], told["code"], told["trace_id"]) == (404, "not-found", trace)
    assert told["type"] == "urn:reconciler:problem:not-found"


def test_what_is_wrong_in_yaml_is_told_with_line_column_and_pointer(api: Api) -> None:
    text = yaml.safe_dump(NOTES, sort_keys=False).replace("type: integer", "type: intger")
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "intger" in row)
    answer = api.admin.post("/api/v1/agent-types", content=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 422
    (item,) = answer.json()["errors"]
    assert (item["file"], item["line"]) == ("body", line)
    assert item["pointer"] == "/spec/models/note/fields/length/type"
    assert "integer" in item["hint"]
    assert list(api.folder.rglob("*.yaml")) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 422, "manifests-invalid"),
        ("", "application/yaml", 422, "one-manifest"),
        ("a: 1\n---\nb: 2", "application/yaml", 422, "one-manifest"),
        ("a: 1", "text/plain", 415, "unsupported-media-type"),
        ("- 1", "application/yaml", 422, "manifests-invalid"),
        ("a: &x 1", "application/yaml", 422, "manifests-invalid"),
    ],
)
def test_a_body_that_is_no_manifest_is_refused(
    api: Api, body: str, content_type: str, status: int, code: str
) -> None:
    answer = api.admin.post("/api/v1/agent-types", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- keys ------------------------------------------------------------------------------------------------


def test_keys_that_ended_or_never_were_open_nothing(api: Api) -> None:
    with connect(api.settings.database) as connection:
        text, key = create_key(connection, "gone", Role.ADMIN, pepper=PEPPER, created_by="tests")
        revoke_key(connection, key.id)
        later, _ = create_key(connection, "other", Role.ADMIN, pepper=b"another", created_by="tests")
    for wrong in (text, later, "rk_", "", "x" * 100_000, "rk_0_\u00e9", api.keys[Role.ADMIN][:-1]):
        headers = {"Authorization": f"Bearer {wrong}".encode("latin-1", "replace")}
        assert api.nobody.get("/api/v1/agents", headers=headers).status_code in (401, 429), wrong[:20]
    assert api.nobody.get("/api/v1/agents", headers={"X-Api-Key": api.keys[Role.VIEWER]}).status_code == 200


def test_whoever_guesses_keys_has_to_wait() -> None:
    now = 0.0
    guesses = Guesses(3, lambda: now)
    for _ in range(3):
        assert guesses.wait("1.2.3.4") == 0
        guesses.wrong("1.2.3.4")
    assert guesses.wait("1.2.3.4") == 60
    assert guesses.wait("5.6.7.8") == 0
    now = 61.0
    assert guesses.wait("1.2.3.4") == 0


def test_a_key_is_in_no_log_whatever_goes_wrong(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    def broken(*args: Any, **options: Any) -> Any:
        raise RuntimeError("broken on purpose")

    client = api.admin
    monkeypatch.setattr("api.routes.types.registered_types", broken)
    answer = client.get("/api/v1/agent-types")
    assert answer.status_code == 500
    assert "on purpose" not in answer.text
    client.get("/api/v1/agents", headers={"Authorization": "Bearer rk_wrong_wrong"})
    told = caplog.text
    assert "broken on purpose" in told
    assert api.keys[Role.ADMIN].rpartition("_")[2] not in told
    assert "rk_wrong" not in told


def test_the_last_use_of_a_key_is_on_record(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        assert api.admin.get("/api/v1/agents").status_code == 200
    with connect(api.settings.database) as connection:
        used = {key.role: key.last_used_at is not None for key in keys(connection)}
    assert used[Role.ADMIN]
    assert not used[Role.VIEWER]


@pytest.mark.parametrize(
    ("host", "behind_proxy", "has_key", "said"),
    [
        ("127.0.0.1", False, False, ""),
        ("0.0.0.0", True, False, "without keys"),
        ("0.0.0.0", False, True, "in the clear"),
        ("0.0.0.0", True, True, ""),
    ],
)
def test_only_loopback_is_served_without_keys_and_a_proxy(
    tmp_path: Path, host: str, behind_proxy: bool, has_key: bool, said: str
) -> None:
    with serving(tmp_path) as api:
        settings = api.settings
    with connect(settings.database) as connection:
        if not has_key:
            connection.execute("DELETE FROM api_keys")
    config = ServeConfig(host=host, behind_proxy=behind_proxy, pepper=PEPPER)
    if said:
        with pytest.raises(UsageError, match=said):
            admitted(settings, config)
    else:
        first = admitted(settings, config)
        assert first.startswith("rk_") is not has_key
        assert admitted(settings, config) == "", "the first key is shown once"


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    config = ServeConfig(pepper=PEPPER, hosts=("localhost",), requests_per_minute=3)
    with serving(tmp_path, config=config) as api:
        client = api.as_(Role.VIEWER)
        answers = [client.get("/api/v1/tools/none") for _ in range(5)]
        assert [answer.status_code for answer in answers][:3] == [404] * 3
        assert answers[0].headers["ratelimit-remaining"] == "2"
        assert answers[4].status_code == 429
        assert int(answers[4].headers["retry-after"]) <= 60
        assert api.as_(Role.AUTHOR).get("/api/v1/tools/none").status_code == 404, (
            "another caller is not concerned"
        )


# --- what need not be looked at --------------------------------------------------------------------------


def test_foreign_hosts_are_not_answered(api: Api) -> None:
    for host in ("evil.example", "localhost.evil.example", "", "evil.example:80@localhost"):
        answer = api.admin.get("/livez", headers={"Host": host})
        assert answer.status_code in (400, 421), host
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:8080"):
        assert api.admin.get("/livez", headers={"Host": host}).status_code == 200


def test_a_large_body_is_refused_with_and_without_a_declared_length(api: Api) -> None:
    large = b"a" * (10 * 2**20)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 2**16):
            yield large[start : start + 2**16]

    for body in (large, pieces()):
        answer = api.admin.post(
            "/api/v1/agent-types", content=body, headers={"Content-Type": "application/yaml"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_ten_thousand_parameters_are_refused(seeded: Api) -> None:
    many = "&".join(["a=1"] * 10_000)
    answer = seeded.admin.get(f"/api/v1/agents/my-notes/results?{many}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-query")


def test_names_with_characters_of_headers_end_nowhere_else(api: Api) -> None:
    for name in ("a%0d%0aSet-Cookie:%20x=1", "%00", "..%2f..%2fetc", "%f0%28"):
        answer = api.admin.get(f"/api/v1/agents/{name}")
        assert answer.status_code in (404, 422), name
        assert "set-cookie" not in answer.headers


def test_browsers_of_other_origins_are_not_let_in(api: Api) -> None:
    answer = api.admin.get("/livez", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


# --- conditions and replays ------------------------------------------------------------------------------


def test_of_two_who_change_the_same_version_the_second_is_told(seeded: Api) -> None:
    client = seeded.admin
    seen = client.get("/api/v1/agent-types/notes").headers["etag"]
    changed = {**NOTES, "spec": {**NOTES["spec"], "version": "1.0.1", "title": "First"}}
    second = {**NOTES, "spec": {**NOTES["spec"], "version": "1.0.1", "title": "Second"}}
    assert client.put("/api/v1/agent-types/notes", json=changed).status_code == 428
    done = client.put("/api/v1/agent-types/notes", json=changed, headers={"If-Match": seen})
    assert done.status_code == 200, done.text
    lost = client.put("/api/v1/agent-types/notes", json=second, headers={"If-Match": seen})
    assert (lost.status_code, lost.json()["code"]) == (412, "changed-meanwhile")
    now = client.get("/api/v1/agent-types/notes")
    assert now.json()["title"] == "First"
    assert now.headers["etag"] == done.headers["etag"]
    assert (
        client.get("/api/v1/agent-types/notes", headers={"If-None-Match": done.headers["etag"]}).status_code
        == 304
    )


def test_a_replayed_request_is_answered_as_the_first_time_and_done_once(seeded: Api) -> None:
    client, headers = seeded.admin, {"Idempotency-Key": "k1"}
    first = client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": "a"}}, headers=headers)
    again = client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": "a"}}, headers=headers)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": "b"}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    waiting = client.get("/api/v1/tasks", params={"state": "pending"}).json()["items"]
    assert len(waiting) == 1


def test_a_reply_that_was_lost_after_the_commit_is_given_again(seeded: Api) -> None:
    client, headers = seeded.admin, {"Idempotency-Key": "k2"}
    agent = {**MY_NOTES, "metadata": {"name": "other"}}
    first = client.post("/api/v1/agents", json=agent, headers=headers)
    again = client.post("/api/v1/agents", json=agent, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert client.post("/api/v1/agents", json=agent).status_code == 409
    revisions = client.get("/api/v1/revisions").json()["items"]
    assert [r["reason"] for r in revisions].count("Add agent other") == 1


def test_while_the_first_request_runs_its_replay_is_told_so(seeded: Api) -> None:
    client = seeded.admin
    client.post("/api/v1/reconcile", json={}, headers={"Idempotency-Key": "k3"})
    with connect(seeded.settings.database) as connection:
        connection.execute("UPDATE kept_replies SET status = NULL, body = NULL WHERE idempotency_key = 'k3'")
    again = client.post("/api/v1/reconcile", json={}, headers={"Idempotency-Key": "k3"})
    assert (again.status_code, again.json()["code"]) == (409, "in-progress")
    with connect(seeded.settings.database) as connection:
        connection.execute("UPDATE kept_replies SET at = '2020-01-01T00:00:00.000000Z'")
    assert client.post("/api/v1/reconcile", json={}, headers={"Idempotency-Key": "k3"}).status_code == 202


def test_what_takes_too_long_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    config = replace(ServeConfig(pepper=PEPPER, hosts=("localhost",)), timeout=0.2)
    with serving(tmp_path, config=config) as api:
        monkeypatch.setattr("api.routes.types.registered_types", lambda *a, **o: time.sleep(1) or [])
        answer = api.admin.get("/api/v1/agent-types")
        assert (answer.status_code, answer.json()["code"]) == (504, "too-slow")
