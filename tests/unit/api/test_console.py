"""How the console's page and its parts are served."""

from __future__ import annotations

import gzip
import re

import pytest

from api.routes.console import BUNDLE, POLICY
from reconciler.database.api_keys import Role
from tests.api_server import Api

PARTS = sorted(file.name for file in (BUNDLE / "assets").iterdir())


def test_the_page_needs_no_key_and_is_looked_at_anew(api: Api) -> None:
    answer = api.nobody.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    again = api.nobody.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_policy_of_the_page_lets_nothing_in_that_is_not_a_file_of_this_server(api: Api) -> None:
    policy = api.nobody.get("/").headers["content-security-policy"]
    assert policy == POLICY
    allowed = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert allowed.pop("require-trusted-types-for") == "'script'"
    assert allowed["default-src"] == "'none'"
    assert {*allowed.values()} == {"'none'", "'self'"}


def test_the_page_names_parts_that_are_there(api: Api) -> None:
    named = re.findall(r'(?:src|href)="\./assets/([^"]+)"', api.nobody.get("/").text)
    assert len(named) >= 3
    assert {*named} <= {*PARTS}


@pytest.mark.parametrize("accepted", ["gzip", "identity", "gzip;q=0", "br, gzip;q=0.5"])
@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_kept_for_good_and_packed_for_those_who_can_open_it(
    api: Api, name: str, accepted: str
) -> None:
    answer = api.nobody.get(f"/assets/{name}", headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert answer.content == (BUNDLE / "assets" / name).read_bytes()  # the client has opened it
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "Accept-Encoding"
    packed = answer.headers.get("content-encoding") == "gzip"
    assert not packed or accepted in ("gzip", "br, gzip;q=0.5")
    plain = (BUNDLE / "assets" / name).read_bytes()
    if len(gzip.compress(plain)) < len(plain):
        assert packed is (accepted in ("gzip", "br, gzip;q=0.5"))


@pytest.mark.parametrize("name", ["nothing.js", "..%2Findex.html", "%2e%2e%2findex.html", "index.html"])
def test_what_is_no_part_is_not_found(api: Api, name: str) -> None:
    answer = api.nobody.get(f"/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/", f"/assets/{PARTS[0]}"])
def test_nothing_can_be_sent_to_the_console(api: Api, path: str) -> None:
    assert api.nobody.post(path).status_code == 405


@pytest.mark.parametrize("role", list(Role))
def test_a_caller_is_told_who_they_are(api: Api, role: Role) -> None:
    told = api.as_(role).get("/api/v1/caller").json()
    assert told == {"name": f"{role.value}-key", "role": role.value}


def test_the_statements_of_a_plan_are_those_of_the_plan(api: Api) -> None:
    import yaml

    from tests.api_server import NOTES

    folder = api.folder / "notes"
    folder.mkdir()
    (folder / "type.yaml").write_text(yaml.safe_dump(NOTES))
    plan, told = api.admin.get("/api/v1/plan").json(), api.admin.get("/api/v1/plan/sql").json()
    assert told["plan_id"] == plan["id"]
    assert [unit["name"] for unit in told["units"]] == [unit["name"] for unit in plan["units"]]
    assert any(
        statement.startswith('CREATE TABLE "notes__note"')
        for unit in told["units"]
        for statement in unit["statements"]
    )
