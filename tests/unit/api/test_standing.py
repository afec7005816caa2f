"""Suspensions, holds and conditions over HTTP; manifests checked without being written; collections to import."""

from __future__ import annotations

from copy import deepcopy

import pytest
import yaml

from reconciler.database.api_keys import Role
from tests.api_server import MY_NOTES, NOTES, Api

SUSPENSIONS = "/api/v1/suspensions"


def test_a_suspended_type_is_listed_and_left_as_it_is_until_it_is_resumed(seeded: Api) -> None:
    client = seeded.as_(Role.OPERATOR)
    told = {"addresses": ["type/notes"], "reason": "looked into", "until": "2099-01-01T00:00:00Z"}
    made = client.post(SUSPENSIONS, json=told)
    assert made.status_code == 201, made.text
    (one,) = made.json()["items"]
    assert (one["address"], one["owner"]) == ("type/notes", "api:operator-key")
    assert one["until"].startswith("2099-01-01T00:00:00")
    assert client.get(SUSPENSIONS).json()["items"] == [one]
    assert client.get("/api/v1/plan").json()["suspended"] == ["type/notes"]
    assert client.delete(SUSPENSIONS, params={"address": "type/notes"}).status_code == 204
    assert client.get(SUSPENSIONS).json()["items"] == []
    again = client.delete(SUSPENSIONS, params={"address": "type/notes"})
    assert (again.status_code, again.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"addresses": ["type/nothing"]}, 404),
        ({"addresses": []}, 422),
        ({"addresses": ["notes"]}, 422),
        ({"reason": ""}, 422),
        ({"until": "2099-01-01T00:00:00"}, 422),
        ({"until": "2001-01-01T00:00:00Z"}, 400),
        ({"untill": "2099-01-01T00:00:00Z"}, 422),
    ],
)
def test_a_suspension_that_means_nothing_suspends_nothing(
    seeded: Api, change: dict[str, object], status: int
) -> None:
    told = {"addresses": ["type/notes", "agent/my-notes"], "reason": "looked into", **change}
    assert seeded.admin.post(SUSPENSIONS, json=told).status_code == status
    assert seeded.admin.get(SUSPENSIONS).json()["items"] == []


def test_an_agent_is_on_hold_until_somebody_lifts_it_and_the_first_reason_stays(seeded: Api) -> None:
    client = seeded.as_(Role.OPERATOR)
    for reason in ("too chatty", "another"):
        made = client.post("/api/v1/holds", json={"agent": "my-notes", "reason": reason})
        assert (made.status_code, made.json()["reason"]) == (201, "too chatty"), made.text
    (one,) = client.get("/api/v1/holds").json()["items"]
    assert (one["agent"], one["actor"]) == ("my-notes", "api:operator-key")
    assert client.delete("/api/v1/holds/my-notes", params={"reason": "better"}).status_code == 204
    assert client.delete("/api/v1/holds/my-notes").status_code == 404
    assert client.post("/api/v1/holds", json={"agent": "nobody", "reason": "x"}).status_code == 404
    assert client.get("/api/v1/holds").json()["items"] == []
    told = [
        (item["action"], item["reason"])
        for item in client.get("/api/v1/audit", params={"address": "agent/my-notes"}).json()["items"]
    ]
    assert told[:2] == [("enable", "better"), ("disable", "too chatty")]


def test_there_are_conditions_only_once_a_controller_has_looked(seeded: Api) -> None:
    answer = seeded.as_(Role.VIEWER).get("/api/v1/conditions")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


def test_a_manifest_is_checked_beside_the_others_and_nothing_is_written(seeded: Api) -> None:
    client, before = seeded.as_(Role.VIEWER), sorted(seeded.folder.rglob("*"))
    right, wrong = deepcopy(MY_NOTES), deepcopy(MY_NOTES)
    wrong["spec"]["type"] = "note"
    answer = client.post("/api/v1/validate", json=right)
    assert answer.json() == {"address": "agent/my-notes", "valid": True, "problems": []}
    found = client.post("/api/v1/validate", json=wrong).json()
    assert not found["valid"]
    assert any("note" in problem["message"] for problem in found["problems"])
    misspelt = client.post("/api/v1/validate", json={**NOTES, "specs": 1})
    assert misspelt.status_code == 422
    assert misspelt.json()["errors"][0]["line"] == 1
    assert sorted(seeded.folder.rglob("*")) == before


def test_collections_hold_requests_for_the_agents_there_are(seeded: Api) -> None:
    client = seeded.as_(Role.VIEWER)
    postman = client.get("/api/v1/docs/collections/postman")
    assert postman.headers["content-type"] == "application/json"
    assert "my-notes" in postman.text
    assert postman.json()["info"]["schema"].endswith("v2.1.0/collection.json")
    insomnia = client.get("/api/v1/docs/collections/insomnia")
    assert insomnia.headers["content-type"].startswith("application/yaml")
    assert "my-notes" in str(yaml.safe_load(insomnia.text))
    assert client.get("/api/v1/docs/collections/other").status_code == 422


def test_the_page_of_a_type_tells_of_the_versions_before(seeded: Api) -> None:
    changed = deepcopy(NOTES)
    changed["spec"]["version"] = "1.1.0"
    changed["spec"]["models"]["note"]["fields"]["mood"] = {"type": "text"}
    tag = seeded.admin.get("/api/v1/agent-types/notes").headers["etag"]
    answer = seeded.admin.put("/api/v1/agent-types/notes", json=changed, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    page = seeded.as_(Role.VIEWER).get("/api/v1/agent-types/notes/documentation").json()["markdown"]
    assert "1.0.0" in page
    assert "1.1.0" in page
