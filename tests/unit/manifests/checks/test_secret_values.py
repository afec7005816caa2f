"""Values that look like secrets are refused with their place and never quoted; what merely speaks of secrets is not."""

from __future__ import annotations

import pytest

from reconciler.manifests.reader import compile_file

TYPE = """
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: a}}
spec:
  version: 1.0.0
  description: {description}
  settings: {settings}
"""
AGENT = """
apiVersion: reconciler/v1
kind: Agent
metadata: {{name: a}}
spec:
  type: b
  settings: {settings}
"""
R = "Zx8Qv2Lk9Wm4Tn7Rb1Yc6Hd3Fg5Js0Pa"
"""As random as a key, and nobody's."""

FORMATS = [
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQ",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + R + "abcd",
    "github_pat_" + R,
    "glpat-" + R[:20],
    "xoxb-" + "123456789012-abcdef",
    "https://hooks.slack.com/services/T0000/B0000/" + R,
    "sk_live_" + R,
    "rk_test_" + R,
    "sk-" + R,
    "sk-proj-" + R,
    "sk-ant-" + R,
    "AIza" + R + "abc",
    "ya29." + R,
    "npm_" + R + "abcd",
    "pypi-" + R + R,
    "hf_" + R,
    "SG." + R + "." + R,
    "dop_v1_" + "0123456789abcdef" * 4,
    "eyJ" + R + ".eyJ" + R + "." + R,
    "rk_0123456789ab_" + R,
    "postgresql://ann:hunter2@db.example.com/x",
]


def found(text: str) -> list[tuple[str, str]]:
    compiled, problems, held = compile_file(text.encode(), "a.yaml")
    assert not compiled or not problems
    assert held or not problems
    return [(problem.code, problem.pointer) for problem in problems if problem.severity == "error"]


@pytest.mark.parametrize("secret", FORMATS)
def test_tokens_and_keys_of_known_formats_are_found_anywhere(secret: str) -> None:
    written = TYPE.format(description=f"'see {secret}'", settings="{}")
    assert found(written) == [("secret-value", "/spec/description")]
    written = AGENT.format(settings=f"{{url: '{secret}'}}")
    assert found(written) == [("secret-value", "/spec/settings/url")]


@pytest.mark.parametrize("secret", FORMATS)
def test_they_are_found_in_comments_and_escapes_too(secret: str) -> None:
    commented = AGENT.format(settings="{}") + f"  # {secret}\n"
    assert found(commented) == [("secret-value", "")]
    escaped = "".join(f"\\u{ord(character):04x}" for character in secret)
    assert found(AGENT.format(settings=f'{{url: "{escaped}"}}')) == [("secret-value", "/spec/settings/url")]


NAMED = [
    ("token", R),
    ("api_key", R),
    ("apiKey", R.lower()),
    ("Authorization", f"Bearer {R}"),
    ("client_secret", "0123456789abcdef0123456789abcdef"),
    ("password", "hunter2"),
    ("smtp_password", "correct horse battery staple"),
    ("db_pwd", "swordfish"),
    ("passphrase", "open sesame"),
]


@pytest.mark.parametrize(("name", "value"), NAMED)
def test_what_a_name_says_is_a_secret_is_one(name: str, value: str) -> None:
    assert found(AGENT.format(settings=f"{{{name}: '{value}'}}")) == [
        ("secret-value", f"/spec/settings/{name}")
    ]


def test_a_default_is_looked_at_under_the_name_of_its_field() -> None:
    written = TYPE.format(description="x", settings=f"{{api_key: {{type: string, default: {R}}}}}")
    assert found(written) == [("secret-value", "/spec/settings/api_key/default")]


@pytest.mark.parametrize(("name", "value"), [*NAMED, *(("x", one) for one in FORMATS)])
def test_no_message_quotes_what_was_found(name: str, value: str) -> None:
    """Not even what else is wrong with the document."""
    written = AGENT.format(settings=f"{{{name}: '{value}', other: '{value}'}}") + f"  unknown: '{value}'\n"
    _, problems, _ = compile_file(written.encode(), "a.yaml")
    assert problems
    assert all(value not in str(problem) for problem in problems)


HARMLESS = [
    "{password: string}",
    "{password: {type: string, description: The password of the mailbox, min_length: 12}}",
    "{tokens: {type: integer, default: 20000}}",
    "{token_kind: {type: enum, values: [access_token, refresh_token]}}",
    "{tokenizer: {type: string, default: cl100k_base}}",
    "{secret_santa: {type: string, default: The one who gives}}",
    "{homepage: {type: string, default: 'https://example.com/a/b?c=d'}}",
    "{passwords_file: {type: string, pattern: '^/[a-z/]{1,100}$'}}",
    "{digest: {type: string, default: 0123456789abcdef0123456789abcdef}}",
]


@pytest.mark.parametrize("settings", HARMLESS)
def test_what_merely_speaks_of_secrets_is_none(settings: str) -> None:
    assert "secret-value" not in {code for code, _ in found(TYPE.format(description="x", settings=settings))}


def test_references_to_secrets_are_none() -> None:
    written = AGENT.format(settings="{}") + "  secrets: {smtp_password: {env: SMTP_PASSWORD_2}}\n"
    assert found(written) == []
