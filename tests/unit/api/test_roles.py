"""Every route against every role."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.config import ServeConfig
from api.openapi import METHODS
from api.routing import role_of, routes_of
from reconciler.database.api_keys import Role
from reconciler.settings import Settings
from tests.api_server import PEPPER, Api

APP = create_app(Settings(), ServeConfig(pepper=PEPPER))
ROUTES = sorted(
    (method, route.path, role_of(route)) for route in routes_of(APP) for method in route.methods or ()
)
OPEN = {("GET", "/livez"), ("GET", "/readyz"), ("POST", "/api/v1/webhooks/git")}
"""Without a key: there is nothing to learn, or the body is signed."""


def _asked(client: TestClient, method: str, path: str) -> int:
    body: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
    where = re.sub(r"{number}", "1", re.sub(r"{(type|id|name|session)}", "nothing", path))
    return client.request(method, where, **body).status_code


@pytest.mark.parametrize(("method", "path", "role"), ROUTES, ids=lambda value: str(value))
def test_a_route_lets_in_its_role_and_those_above_and_nobody_else(
    api: Api, method: str, path: str, role: Role | None
) -> None:
    if role is None:
        assert (method, path) in OPEN
        return
    assert _asked(api.nobody, method, path) == 401
    for asking in Role:
        status = _asked(api.as_(asking), method, path)
        assert (status == 403) is not asking.covers(role), f"{asking.value}: {status}"
        assert status not in (401, 405, 500), f"{asking.value}: {status}"


def test_the_document_tells_the_role_of_every_operation() -> None:
    told = {
        (method.upper(), path): operation.get("x-role")
        for path, operations in APP.openapi()["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    }
    assert told == {(method, path): role.value if role else None for method, path, role in ROUTES}


def test_operation_ids_are_unique_words_with_underscores() -> None:
    ids = [
        operation["operationId"]
        for operations in APP.openapi()["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", one) for one in ids)
