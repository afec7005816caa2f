"""What routes answer, and what they leave in the source."""

from __future__ import annotations

import hmac
import json
import threading
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.config import ServeConfig
from reconciler.database.api_keys import Role
from tests.api_server import MY_NOTES, NOTES, PEPPER, Api, serving
from tests.repository import Repository

NOTE = "/api/v1/agents/dynamic/my-notes/results"


def _ended(api: Api, location: str) -> dict[str, Any]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found: dict[str, Any] = api.admin.get(location).json()
        if found["state"] != "running":
            return found
        time.sleep(0.02)
    raise AssertionError(f"{location} does not end")


# --- writing ---------------------------------------------------------------------------------------------


def test_a_type_that_is_posted_is_a_file_that_is_applied(api: Api) -> None:
    answer = api.as_(Role.AUTHOR).post("/api/v1/agent-types", json=NOTES)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["live"], told["paths"], told["revision"]) == (True, ["notes/type.yaml"], 1)
    assert [change["address"] for change in told["plan"]["changes"]] == ["type/notes", "table/notes__note"]
    assert yaml.safe_load((api.folder / "notes/type.yaml").read_text()) == NOTES
    shown = api.admin.get(answer.headers["location"]).json()
    assert (shown["name"], shown["version"], shown["status"]) == ("notes", "1.0.0", "active")
    assert api.admin.get("/api/v1/plan").json()["changes"] == []
    (revision,) = api.admin.get("/api/v1/revisions").json()["items"]
    assert revision["actor"] == "api:author-key"


def test_a_change_keeps_comments_and_what_stands_around_it(seeded: Api) -> None:
    file = seeded.folder / "notes/type.yaml"
    file.write_text("# kept: why this exists\n" + file.read_text())
    client = seeded.admin
    tag = client.get("/api/v1/agent-types/notes").headers["etag"]
    changed = {**NOTES, "spec": {**NOTES["spec"], "version": "1.0.1", "title": "Notes"}}
    answer = client.put("/api/v1/agent-types/notes", json=changed, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    text = file.read_text()
    assert text.startswith("# kept: why this exists\n")
    assert yaml.safe_load(text) == changed


def test_what_hazards_stop_is_not_written_and_told_with_what_would_allow_it(seeded: Api) -> None:
    file = seeded.folder / "notes/type.yaml"
    before, client = file.read_bytes(), seeded.admin
    spec = json.loads(json.dumps(NOTES["spec"]))
    del spec["models"]["note"]["fields"]["price"]
    del spec["pipeline"][0]["with"]["values"]["price"]
    less = {**NOTES, "spec": {**spec, "version": "2.0.0"}}
    tag = {"If-Match": client.get("/api/v1/agent-types/notes").headers["etag"]}
    planned = client.post("/api/v1/agent-types/notes/plan", json=less).json()
    assert [hazard["code"] for hazard in planned["hazards"]] == ["destructive"]
    refused = client.put("/api/v1/agent-types/notes", json=less, headers=tag)
    assert refused.status_code == 422
    told = refused.json()
    assert told["allow"] == ["destructive:notes.note.price"]
    assert told["hazards"][0]["rows"] == 3
    assert file.read_bytes() == before
    allowed = client.put("/api/v1/agent-types/notes", json=less, headers=tag, params={"allow": told["allow"]})
    assert allowed.status_code == 200, allowed.text
    (parked,) = client.get("/api/v1/archives").json()["items"]
    assert (parked["table"], parked["column"], parked["rows"]) == ("notes__note", "price", 3)


def test_a_manifest_that_contradicts_others_is_refused_before_it_is_written(seeded: Api) -> None:
    lost = {**MY_NOTES, "metadata": {"name": "lost"}, "spec": {"type": "nothing"}}
    answer = seeded.admin.post("/api/v1/agents", json=lost)
    assert (answer.status_code, answer.json()["code"]) == (422, "manifests-invalid")
    assert not (seeded.folder / "nothing").exists()


def test_an_agent_is_disabled_and_enabled_in_its_manifest(seeded: Api) -> None:
    client, file = seeded.as_(Role.OPERATOR), seeded.folder / "notes/my-notes.yaml"
    assert client.post("/api/v1/agents/my-notes/disable").status_code == 200
    assert yaml.safe_load(file.read_text())["spec"]["enabled"] is False
    assert client.get("/api/v1/agents", params={"enabled": "true"}).json()["items"] == []
    assert client.post("/api/v1/agents/my-notes/enable").status_code == 200
    assert client.get("/api/v1/agents/my-notes").json()["enabled"] is True


def test_two_authors_at_once_lose_nothing(seeded: Api) -> None:
    names = [f"writer-{n}" for n in range(8)]
    answers: dict[str, int] = {}
    refused: list[str] = []

    def write(name: str) -> None:
        agent = {**MY_NOTES, "metadata": {"name": name}}
        answer = seeded.admin.post("/api/v1/agents", json=agent)
        answers[name] = answer.status_code
        if answer.status_code != 201:
            refused.append(answer.text)

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not refused
    assert answers == dict.fromkeys(names, 201)
    live = [agent["name"] for agent in seeded.admin.get("/api/v1/agents").json()["items"]]
    assert set(live) == {"my-notes", *names}
    assert seeded.admin.get("/api/v1/plan").json()["changes"] == []


def test_what_is_deprecated_says_so_in_headers(seeded: Api) -> None:
    client = seeded.admin
    body = {"message": "use letters", "sunset": "2099-01-31"}
    assert client.post("/api/v1/agent-types/notes/deprecate", json=body).status_code == 200
    answer = client.get("/api/v1/agents/my-notes")
    assert answer.headers["sunset"] == "Sat, 31 Jan 2099 00:00:00 GMT"
    assert answer.headers["deprecation"].startswith("@")
    written = yaml.safe_load((seeded.folder / "notes/type.yaml").read_text())["spec"]
    assert (written["version"], written["deprecated"]) == ("1.0.1", body)


# --- deleting --------------------------------------------------------------------------------------------


def test_a_type_is_deleted_as_the_preview_says_and_comes_back(seeded: Api) -> None:
    client, path = seeded.admin, "/api/v1/agent-types/notes"
    told = client.delete(path, params={"preview": "true", "mode": "hard", "cascade": "true"}).json()["impact"]
    assert told["removed"] == ["agent/my-notes", "type/notes"]
    assert [(table["name"], table["rows"]) for table in told["tables"]] == [("notes__note", 3)]
    tag = {"If-Match": client.get(path).headers["etag"]}
    wanted = {"mode": "hard", "cascade": "true"}
    assert client.delete(path, params=wanted, headers=tag).json()["code"] == "unconfirmed"
    wanted["confirm"] = "notes"
    assert client.delete(path, params=wanted).status_code == 428
    done = client.delete(path, params=wanted, headers=tag)
    assert done.status_code == 200, done.text
    assert list(seeded.folder.rglob("*.yaml")) == []
    assert client.get(path).status_code == 404
    back = client.post(f"{path}/restore")
    assert back.status_code == 200, back.text
    assert set(back.json()["restored"]) == {"agent/my-notes", "type/notes"}
    assert len(client.get(NOTE).json()["items"]) == 3


def test_a_purge_takes_an_admin(seeded: Api) -> None:
    client, path = seeded.as_(Role.OPERATOR), "/api/v1/agents/dynamic/my-notes"
    tag = {"If-Match": client.get("/api/v1/agents/my-notes").headers["etag"]}
    wanted = {"mode": "purge", "confirm": "my-notes"}
    assert client.delete(path, params=wanted, headers=tag).status_code == 403
    assert seeded.admin.delete(path, params=wanted, headers=tag).status_code == 200


# --- results ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "lengths"),
    [
        ("", [3, 2, 1]),
        ("filter[length][ge]=2&sort=length", [2, 3]),
        ("filter[length]=1,3&sort=length", [1, 3]),
        ("filter[text]=xx", [2]),
        ("filter[text][contains]=xx&filter[length][lt]=3", [2]),
        ("filter[price][gt]=1.49&limit=2", [3, 2]),
        ("filter[length][is_null]=true", []),
    ],
)
def test_rows_are_found_by_the_fields_of_their_type(seeded: Api, query: str, lengths: list[int]) -> None:
    answer = seeded.as_(Role.VIEWER).get(f"{NOTE}?{query}")
    assert answer.status_code == 200, answer.text
    assert [row["length"] for row in answer.json()["items"]] == lengths


def test_pages_follow_each_other_and_are_counted(seeded: Api) -> None:
    client = seeded.admin
    first = client.get(f"{NOTE}?limit=2&count=true&fields=id,price").json()
    assert (len(first["items"]), first["total"]) == (2, 3)
    assert first["items"][0] == {"id": 3, "price": "1.50"}
    rest = client.get(f"{NOTE}?limit=2&fields=id,price&cursor={first['next']}").json()
    assert ([row["id"] for row in rest["items"]], rest["next"]) == ([1], None)


def test_rows_are_summed_up_by_groups(seeded: Api) -> None:
    found = seeded.admin.get(f"{NOTE}?group=price&measure=count,sum.length,avg.length").json()["items"]
    assert found == [{"price": "1.50", "count": 3, "sum.length": 6, "avg.length": 2.0}]


def test_all_rows_come_as_json_lines_and_as_csv(seeded: Api) -> None:
    client = seeded.admin
    lines = client.get(f"{NOTE}?fields=id,length&sort=id", headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.text.splitlines()] == [
        {"id": n, "length": n} for n in (1, 2, 3)
    ]
    table = client.get(f"{NOTE}?fields=id,length&sort=id", headers={"Accept": "text/csv"})
    assert table.text.splitlines() == ["id,length", "1,1", "2,2", "3,3"]
    assert table.headers["content-disposition"] == 'attachment; filename="notes.note.csv"'


@pytest.mark.parametrize(
    "query",
    ["filter[nothing]=1", "filter[length]=abc", "filter[length][like]=1", "sort=nothing", "limit=0", "cursor=x",
     "count=maybe", "measure=sum.text", "fields=nothing", "include=length", "a=1", "limit=1&limit=2", "%ff=1"],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(seeded: Api, query: str) -> None:
    assert seeded.admin.get(f"{NOTE}?{query}").status_code == 400


# --- tasks -----------------------------------------------------------------------------------------------


def test_a_task_is_submitted_followed_and_cancelled(seeded: Api) -> None:
    client = seeded.admin
    wrong = client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": 1}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "input/text")
    made = client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": "a"}})
    location = made.headers["location"]
    assert client.get(location).json()["state"] == "pending"
    assert client.post(f"{location}/cancel").json()["state"] == "cancelled"
    events = client.get(f"{location}/events").text
    assert events.startswith("id: cancelled")
    assert json.loads(events.partition("data: ")[2])["state"] == "cancelled"


# --- operations ------------------------------------------------------------------------------------------


def test_a_reconciliation_is_an_operation_and_so_is_its_undoing(seeded: Api) -> None:
    seeded.write("policies/steps.yaml", yaml.safe_dump({
        "apiVersion": "reconciler/v1", "kind": "Policy", "metadata": {"name": "steps"},
        "spec": {"limits": {"steps": 20}}}))  # fmt: skip
    client = seeded.as_(Role.OPERATOR)
    plan = client.get("/api/v1/plan")
    assert [change["address"] for change in plan.json()["changes"]] == ["policy/steps"]
    stale = client.post("/api/v1/reconcile", json={"plan_id": "0" * 16})
    assert _ended(seeded, stale.headers["location"])["result"]["code"] == "stale-plan"
    started = client.post("/api/v1/reconcile", json={"plan_id": plan.json()["id"], "reason": "because"})
    assert started.status_code == 202
    done = _ended(seeded, started.headers["location"])
    assert (done["state"], done["result"]["applied"]) == ("succeeded", ["policy/steps"])
    events = client.get(f"{started.headers['location']}/events").text
    assert "event: end" in events
    assert client.get("/api/v1/policies").json()["items"][0]["name"] == "steps"
    undone = client.post("/api/v1/rollback", json={})
    assert _ended(seeded, undone.headers["location"])["state"] == "succeeded"
    assert client.get("/api/v1/policies").json()["items"] == []


def test_work_of_a_server_that_died_is_told_as_interrupted(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        from reconciler.database import long_work
        from reconciler.database.connection import connect

        with connect(api.settings.database) as connection:
            identity = long_work.begin(connection, "reconcile", "x", {})
            rows = connection.execute("SELECT request FROM operations")
            request = json.loads(rows[0][0])
            request["process"]["started"] = "1"
            connection.execute("UPDATE operations SET request = ?", (json.dumps(request),))
        api.app.state.server.prepare()
        found = api.admin.get(f"/api/v1/operations/{identity}").json()
        assert (found["state"], found["result"]["code"]) == ("interrupted", "interrupted")


def test_an_export_is_made_fetched_and_looked_into(seeded: Api) -> None:
    client = seeded.admin
    started = client.post("/api/v1/exports", json={"address": "type/notes", "sensitive": True})
    done = _ended(seeded, started.headers["location"])
    assert done["state"] == "succeeded", done
    location = f"/api/v1/exports/{done['id']}/file"
    assert seeded.as_(Role.OPERATOR).get(location).status_code == 403
    file = client.get(location).content
    told = client.post("/api/v1/imports/preview", content=file, headers={"Content-Type": "application/gzip"})
    assert told.status_code == 200, told.text
    assert told.json()["rows"] == {"notes__note": 3}


def test_a_signed_push_starts_a_reconciliation(tmp_path: Path) -> None:
    config = replace(ServeConfig(pepper=PEPPER, hosts=("localhost",)), webhook_secret="s3cret")
    repository = {"full_name": "team/agents", "path_with_namespace": "team/agents"}
    told = {"ref": "refs/heads/main", "after": "a" * 40, "repository": repository, "project": repository}
    body = json.dumps(told).encode()
    github = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"s3cret", body, sha256).hexdigest()}
    with serving(tmp_path, config=config) as api:
        send = api.nobody.post
        path = "/api/v1/webhooks/git"
        assert send(path, content=body).status_code == 401
        push = {**github, "X-GitHub-Event": "push"}
        assert send(path, content=body + b" ", headers=push).status_code == 401
        assert send(path, content=body, headers={**github, "X-GitHub-Event": "ping"}).status_code == 200
        for headers in (push, {"X-Gitlab-Token": "s3cret", "X-Gitlab-Event": "Push Hook"}):
            started = send(path, content=body, headers=headers)
            assert started.status_code == 202, started.text
            assert _ended(api, started.headers["location"])["state"] == "succeeded"


def test_a_push_without_a_secret_to_sign_it_with_finds_no_webhook(api: Api) -> None:
    assert api.nobody.post("/api/v1/webhooks/git", content=b"{}").status_code == 404


# --- git -------------------------------------------------------------------------------------------------


def test_in_a_repository_a_write_is_a_branch_whose_diff_is_the_yaml(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({"agents.d/readme.yaml": "# nothing yet\n"})
    bare = repository.bare_copy(tmp_path / "bare.git")
    with serving(tmp_path, source=f"git+file://{bare}@main#agents.d") as api:
        answer = api.admin.post("/api/v1/agent-types", json=NOTES)
        assert answer.status_code == 202, answer.text
        told = answer.json()
        assert (told["live"], told["revision"]) == (False, None)
        repository.git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*")
        changed = repository.git("diff", "--name-status", "origin/main", told["commit"])
        assert changed == "A\tagents.d/notes/type.yaml"
        text = repository.git("show", f"{told['commit']}:agents.d/notes/type.yaml")
        assert yaml.safe_load(text) == NOTES
        assert repository.git("log", "-1", "--format=%an", told["commit"]) == "admin-key"
        assert api.admin.get("/api/v1/agent-types").json()["items"] == []
        repository.git("push", "--quiet", "origin", f"{told['commit']}:refs/heads/main")
        started = api.admin.post("/api/v1/reconcile", json={})
        assert _ended(api, started.headers["location"])["state"] == "succeeded"
        assert [t["name"] for t in api.admin.get("/api/v1/agent-types").json()["items"]] == ["notes"]


# --- telling ---------------------------------------------------------------------------------------------


def test_lists_are_searched_sorted_and_cut_into_pages(seeded: Api) -> None:
    client = seeded.admin
    for name in ("alpha", "beta"):
        assert client.post("/api/v1/agents", json={**MY_NOTES, "metadata": {"name": name}}).status_code == 201
    names: list[str] = []
    cursor = ""
    while True:
        page = client.get("/api/v1/agents", params={"sort": "-name", "limit": 2, "cursor": cursor}).json()
        names += [agent["name"] for agent in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert names == ["my-notes", "beta", "alpha"]
    assert client.get("/api/v1/agents?q=nothing+here").json()["items"] == []
    assert len(client.get("/api/v1/agent-types?q=keeps&owner=ann@example.com").json()["items"]) == 1


def test_settings_that_a_type_calls_sensitive_are_masked(seeded: Api) -> None:
    secret = {
        **MY_NOTES,
        "metadata": {"name": "secret"},
        "spec": {"type": "notes", "settings": {"token": "hush"}},
    }
    answer = seeded.admin.post("/api/v1/agents", json=secret)
    if answer.status_code == 201:  # a value that looks like a secret may be refused altogether
        told = seeded.admin.get("/api/v1/agents/secret")
        assert "hush" not in told.text
        assert told.json()["manifest"]["spec"]["settings"] == {"token": "***"}


@pytest.mark.parametrize(
    "path",
    ["/api/v1/docs/agent-creation", "/api/v1/docs/frontend-integration", "/api/v1/docs/examples",
     "/api/v1/agent-types/notes/documentation"],
)  # fmt: skip
def test_documents_come_as_data_markdown_and_pages(seeded: Api, path: str) -> None:
    client = seeded.as_(Role.VIEWER)
    told = client.get(path).json()
    assert told["title"]
    assert client.get(path, headers={"Accept": "text/markdown"}).text == told["markdown"]
    assert client.get(path, headers={"Accept": "text/html"}).text.startswith("<!")


def test_the_builder_asks_by_rules_until_there_is_a_draft(api: Api) -> None:
    client = api.as_(Role.AUTHOR)
    session = client.post("/api/v1/agent-builder/start", json={"guided": True})
    assert session.status_code == 201, session.text
    path = session.headers["location"]
    assert session.json()["mode"] == "guided"
    reply = client.post(f"{path}/chat", json={"text": "text processing"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["text"]
    assert client.get(f"{path}/schema").json()["ready"] is False
    assert api.as_(Role.OPERATOR).get(path).status_code == 404, "somebody else's"
    early = client.post(f"{path}/finalize", json={})
    assert early.status_code == 422
    assert client.delete(path).status_code == 204


def test_numbers_for_monitoring_count_requests_and_tasks(seeded: Api) -> None:
    client = seeded.admin
    client.post("/api/v1/agents/my-notes/tasks", json={"input": {"text": "a"}})
    text = client.get("/metrics").text
    assert 'reconciler_tasks{agent="my-notes",state="pending"} 1.0' in text
    assert 'reconciler_http_requests_total{method="POST",status="202"} 1.0' in text


def test_the_audit_holds_together_and_names_the_key(seeded: Api) -> None:
    told = seeded.admin.get("/api/v1/audit?verify=true").json()
    assert told["broken_at"] is None
    assert {item["actor"] for item in told["items"]} == {"api:admin-key"}
