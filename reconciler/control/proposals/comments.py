"""The plan as a comment on a pull request: one comment, kept up to date, found again by its first line.

And the way back: which plan was reviewed in the request that a commit was merged by.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from reconciler.control.proposals.forge import ForgeKind
from reconciler.errors import NotFound, SourceError, UsageError

TIMEOUT = 30.0
MARKER = "<!-- reconciler plan -->"
PAGES = 20
"""Pages of a hundred comments that are searched for ours."""

_PLAN_ID = re.compile("plan `([0-9a-f]{16})`")
_Verb = Literal["GET", "POST", "PATCH", "PUT"]


class Comments:
    """Comments of one project. `api` is the root of the forge's interface, `token` what may read and write there."""

    def __init__(self, kind: ForgeKind, api: str, project: str, token: str) -> None:
        if project.count("/") < 1 and not project.isdigit():
            raise UsageError(f"{project!r} names no project of a forge", hint="such as owner/name")
        self._kind, self._api, self._token = kind, api.rstrip("/"), token
        self._project = quote(project, safe="") if kind == "gitlab" else project

    def put(self, request: int, text: str) -> str:
        """Replaces our comment on a request, or makes the first; its address, empty where the forge tells none. Raises
        SourceError."""
        if not text.startswith(MARKER):
            raise UsageError("this is no plan", hint="write it with reconcile --plan --format markdown")
        known = self._ours(request)
        if known is None:
            written = self._ask("POST", self._thread(request), {"body": text})
        else:
            verb: _Verb = "PUT" if self._kind == "gitlab" else "PATCH"
            written = self._ask(verb, self._single(request, known["id"]), {"body": text})
        return str(written.get("html_url") or written.get("web_url") or "")

    def reviewed(self, commit: str) -> str:
        """The id of the plan on the request by which a commit came. Raises NotFound, SourceError."""
        request = self._request_of(commit)
        comment = self._ours(request)
        if comment is None:
            raise NotFound(
                f"request {request} has no plan", hint="its pipeline has to have run before the merge"
            )
        found = _PLAN_ID.search(comment["body"])
        if found is None:
            raise NotFound(f"the comment on request {request} names no plan")
        return found[1]

    def _request_of(self, commit: str) -> int:
        number = "iid" if self._kind == "gitlab" else "number"
        asked = {
            "github": f"/repos/{self._project}/commits/{commit}/pulls",
            "gitea": f"/repos/{self._project}/commits/{commit}/pull",
            "gitlab": f"/projects/{self._project}/repository/commits/{commit}/merge_requests",
        }
        answer = self._ask("GET", asked[self._kind])
        found = answer if isinstance(answer, list) else [answer]
        numbers = [one[number] for one in found if isinstance(one, dict) and one.get(number)]
        if not numbers:
            raise NotFound(
                f"commit {commit[:12]} came by no request", hint="apply by hand what was pushed directly"
            )
        return int(numbers[0])

    def _ours(self, request: int) -> dict[str, Any] | None:
        for page in range(1, PAGES + 1):
            found = self._ask("GET", f"{self._thread(request)}?per_page=100&limit=100&page={page}")
            for one in found:
                if str(one.get("body", "")).startswith(MARKER):
                    return dict(one)
            if len(found) < 100:
                return None
        return None

    def _thread(self, request: int) -> str:
        if self._kind == "gitlab":
            return f"/projects/{self._project}/merge_requests/{request}/notes"
        return f"/repos/{self._project}/issues/{request}/comments"

    def _single(self, request: int, comment: int) -> str:
        if self._kind == "gitlab":
            return f"{self._thread(request)}/{comment}"
        return f"/repos/{self._project}/issues/comments/{comment}"

    def _ask(self, verb: _Verb, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self._api}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", "User-Agent": "reconciler", **self._authorization()},
            method=verb,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read(2**24))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise NotFound(f"{self._api} knows no {path.partition('?')[0]}") from error
            told = error.read(2_000).decode("utf-8", "replace")
            raise SourceError(
                f"{self._api} answered {error.code}: {told[:300]}", hint="see what the token may do"
            ) from error
        except (OSError, ValueError) as error:
            raise SourceError(f"{self._api} is out of reach: {error}") from error

    def _authorization(self) -> dict[str, str]:
        match self._kind:
            case "github":
                return {"Authorization": f"Bearer {self._token}", "Accept": "application/vnd.github+json"}
            case "gitea":
                return {"Authorization": f"token {self._token}"}
            case _:
                return {"PRIVATE-TOKEN": self._token}
