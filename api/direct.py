"""The shortest way to an endpoint: for the routes that are asked over and over, where finding the route and solving
what its endpoint depends on would take longer than the answer does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from api.auth import Caller, require
from reconciler.database.api_keys import Role

Endpoint = Callable[[Request, Caller, str], Awaitable[Response]]

NAME = "([a-z0-9][a-z0-9-]{0,62})"
"""A name in a path that surely is one."""


class DirectRoute(BaseRoute):
    """In front of a declared route, calls the same endpoint with the same caller. Takes only requests that are surely
    right for it: all others go on to the declared route, which says what is wrong."""

    def __init__(self, method: str, path: str, role: Role, endpoint: Endpoint) -> None:
        """`path` is a pattern whose one group is the name that the endpoint gets."""
        self._method, self._path = method, re.compile(path)
        self._check, self._endpoint = require(role), endpoint

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["method"] == self._method:
            found = self._path.fullmatch(scope["path"])
            if found is not None and not scope.get("root_path"):
                return Match.FULL, {"direct": found[1]}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        caller = await self._check(request)
        response = await self._endpoint(request, caller, scope["direct"])
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)  # which the declared route knows
