"""Webhooks of three forges: what is signed wakes, what is not does not."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from reconciler.control.controller.webhooks import Push, UnsignedWebhookError, pushed

SECRET = "between us"
AFTER = "a" * 40
BODY = json.dumps(
    {
        "ref": "refs/heads/main",
        "after": AFTER,
        "repository": {"full_name": "team/agents"},
        "project": {"path_with_namespace": "team/agents"},
    }
).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(forge: str, body: bytes = BODY, secret: str = SECRET, event: str = "push") -> dict[str, str]:
    match forge:
        case "github":
            return {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={signature(body, secret)}"}
        case "gitea":
            return {
                "X-Gitea-Event": event,
                "X-Gitea-Signature": signature(body, secret),
                "X-GitHub-Event": event,
                "X-Hub-Signature-256": "sha256=of something else",
            }
        case "forgejo":
            return {"X-Forgejo-Event": event, "X-Forgejo-Signature": signature(body, secret)}
        case _:
            return {"X-Gitlab-Event": {"push": "Push Hook"}.get(event, event), "X-Gitlab-Token": secret}


def _kind(forge: str) -> str:
    return "gitea" if forge == "forgejo" else forge


FORGES = pytest.mark.parametrize("forge", ["github", "gitea", "gitlab", "forgejo"])


@FORGES
def test_a_signed_push_tells_the_branch_and_its_commit(forge: str) -> None:
    assert pushed(headers(forge), BODY, SECRET) == Push(_kind(forge), "team/agents", "main", AFTER)


@FORGES
def test_names_of_headers_come_in_any_case(forge: str) -> None:
    lower = {name.lower(): value for name, value in headers(forge).items()}
    assert pushed(lower, BODY, SECRET) is not None


@FORGES
def test_another_secret_is_refused(forge: str) -> None:
    with pytest.raises(UnsignedWebhookError):
        pushed(headers(forge, secret="guessed"), BODY, SECRET)


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo"])
def test_a_body_that_was_altered_is_refused(forge: str) -> None:
    with pytest.raises(UnsignedWebhookError):
        pushed(headers(forge), BODY.replace(b"main", b"evil"), SECRET)


@FORGES
def test_without_a_secret_nothing_is_believed(forge: str) -> None:
    with pytest.raises(UnsignedWebhookError):
        pushed(headers(forge, secret=""), BODY, "")


def test_a_request_without_signature_is_refused() -> None:
    with pytest.raises(UnsignedWebhookError):
        pushed({"X-GitHub-Event": "push"}, BODY, SECRET)


@FORGES
def test_other_events_and_tags_wake_nobody(forge: str) -> None:
    assert pushed(headers(forge, event="ping"), BODY, SECRET) is None
    tag = BODY.replace(b"refs/heads/main", b"refs/tags/v1")
    assert pushed(headers(forge, tag), tag, SECRET) is None


@FORGES
def test_a_branch_that_was_deleted_has_no_commit(forge: str) -> None:
    gone = BODY.replace(AFTER.encode(), b"0" * 40)
    assert pushed(headers(forge, gone), gone, SECRET) == Push(_kind(forge), "team/agents", "main", "")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"ref": "refs/heads/main"}', b"payload=%7B"])
def test_a_signed_body_that_is_no_push_is_refused(body: bytes) -> None:
    with pytest.raises(UnsignedWebhookError):
        pushed(headers("github", body), body, SECRET)
