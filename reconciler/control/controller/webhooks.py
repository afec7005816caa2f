"""Whether a forge has really sent what came, and about which branch. Pure: a request in, a verdict out.

Each forge has its own headers. A secret is shared with it beforehand; what is not signed with it wakes nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import ReconcilerError

_GITEA = ("x-gitea-signature", "x-forgejo-signature")
LARGEST = 25 * 2**20
"""Bytes of a body; GitHub sends at most so many."""


class UnsignedWebhookError(ReconcilerError):
    """Nobody is told why: whoever has the secret knows how to sign."""

    code = "webhook-unsigned"
    http_status = 401


@dataclass(frozen=True, slots=True)
class Push:
    """A branch that moved: `forge` is github, gitlab or gitea; `after` is the commit, empty where it was deleted."""

    forge: str
    repository: str
    branch: str
    after: str


def pushed(headers: Mapping[str, str], body: bytes, secret: str) -> Push | None:
    """The push that a webhook tells of; None for any other event, such as a ping. Names of headers in any case.

    Raises UnsignedWebhookError for what was not signed with the secret, or cannot be read.
    """
    given = {name.lower(): value for name, value in headers.items()}
    forge, event = _verified(given, body, secret)
    if event != "push":
        return None
    try:
        told = json.loads(body)
        ref, after = str(told["ref"]), str(told["after"])
        project = (
            told["project"]["path_with_namespace"] if forge == "gitlab" else told["repository"]["full_name"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UnsignedWebhookError("the webhook cannot be read", hint="send it as JSON") from error
    if not ref.startswith("refs/heads/"):
        return None
    gone = after.strip("0") == ""
    return Push(forge, str(project), ref.removeprefix("refs/heads/"), "" if gone else after)


def _verified(given: Mapping[str, str], body: bytes, secret: str) -> tuple[str, str]:
    """(forge, event). Gitea also sends GitHub's headers, so that its own are looked for first."""
    if secret and len(body) <= LARGEST:
        if theirs := next((given[name] for name in _GITEA if name in given), ""):
            if _signed(theirs, body, secret):
                return "gitea", given.get("x-gitea-event") or given.get("x-forgejo-event", "")
        elif "x-hub-signature-256" in given:
            algorithm, _, digest = given["x-hub-signature-256"].partition("=")
            if algorithm == "sha256" and _signed(digest, body, secret):
                return "github", given.get("x-github-event", "")
        elif "x-gitlab-token" in given and _same(given["x-gitlab-token"], secret):
            event = given.get("x-gitlab-event", "")
            return "gitlab", "push" if event == "Push Hook" else event
    raise UnsignedWebhookError(
        "the webhook is not signed with the secret that this server knows",
        hint="give the forge the value of RECONCILER_WEBHOOK_SECRET",
    )


def _signed(digest: str, body: bytes, secret: str) -> bool:
    return _same(digest, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
