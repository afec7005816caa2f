"""Forges: where a branch becomes a pull request. One small adapter for each interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

from reconciler.errors import SourceError, UsageError

ForgeKind = Literal["github", "gitlab", "gitea"]
TIMEOUT = 30.0


class Forge(Protocol):
    def open(self, branch: str, base: str, title: str, body: str) -> str:
        """Ask for a branch to be merged; the address of the request. Raises SourceError."""


def forge_of(kind: str, repository: str, token: str, *, api: str = "") -> Forge:
    """The forge behind a repository's https address. `api` overrides where its interface is. Raises UsageError."""
    parts = urlsplit(repository)
    project = parts.path.strip("/").removesuffix(".git")
    if project.count("/") < 1:
        raise UsageError(
            f"{repository} names no project of a forge", hint="such as https://host/owner/name.git"
        )
    root = f"{parts.scheme}://{parts.netloc}"
    match kind:
        case "github":
            own = f"{root}/api/v3" if parts.netloc != "github.com" else "https://api.github.com"
            return _GitHub(api or own, project, token)
        case "gitlab":
            return _GitLab(api or f"{root}/api/v4", project, token)
        case "gitea":
            return _Gitea(api or f"{root}/api/v1", project, token)
    raise UsageError(f"there is no forge {kind!r}", hint="known here: github, gitlab, gitea")


class _Rest:
    def __init__(self, api: str, project: str, token: str) -> None:
        self._api, self._project, self._token = api.rstrip("/"), project, token

    def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._api}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "reconciler", **headers},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                found = json.loads(answer.read(2**20))
        except urllib.error.HTTPError as error:
            told = error.read(2_000).decode("utf-8", "replace")
            raise SourceError(
                f"{self._api} answered {error.code} to the pull request: {told[:300]}",
                hint="the branch is there; open the request by hand, or see what the token may do",
            ) from error
        except (OSError, ValueError) as error:
            raise SourceError(
                f"{self._api} is out of reach: {error}", hint="the branch is there; open the request by hand"
            ) from error
        return found if isinstance(found, dict) else {}


class _GitHub(_Rest):
    def open(self, branch: str, base: str, title: str, body: str) -> str:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/vnd.github+json"}
        request = {"title": title, "body": body, "head": branch, "base": base}
        return str(self._post(f"/repos/{self._project}/pulls", request, headers).get("html_url", ""))


class _Gitea(_Rest):
    def open(self, branch: str, base: str, title: str, body: str) -> str:
        headers = {"Authorization": f"token {self._token}"}
        request = {"title": title, "body": body, "head": branch, "base": base}
        return str(self._post(f"/repos/{self._project}/pulls", request, headers).get("html_url", ""))


class _GitLab(_Rest):
    def open(self, branch: str, base: str, title: str, body: str) -> str:
        request = {"title": title, "description": body, "source_branch": branch, "target_branch": base}
        path = f"/projects/{quote(self._project, safe='')}/merge_requests"
        return str(self._post(path, request, {"PRIVATE-TOKEN": self._token}).get("web_url", ""))
