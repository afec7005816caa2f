"""Requests made of the OpenAPI document itself: whatever it allows, or does not, is answered as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.database.api_keys import Role
from tests.acceptance.api_process import serving_process
from tests.ollama_server import OllamaServer

CONFIG = """\
[checks]
# What no schema can say (a name that is taken, a version that is too small) is refused with these.
positive_data_acceptance.expected-statuses = [
  "2xx", "304", "400", "401", "403", "404", "409", "412", "422", "424", "428",
]
"""
PHASES = "examples,coverage,fuzzing,stateful"
LEFT_OUT = "events$|imports"
"""Streams end with their task, which nobody works here; imports take files, which nobody makes up."""


def _run(folder: Path, role: Role, examples: int) -> str:
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    with (
        OllamaServer() as ollama,
        serving_process(
            folder, RECONCILER_WEBHOOK_SECRET="secret", RECONCILER_OLLAMA_URL=ollama.url
        ) as server,
    ):
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", config, "run", f"{server.url}/api/v1/openapi.json"),
                *("-H", f"Authorization: Bearer {server.keys[role]}"),
                *("--max-examples", str(examples), "--phases", PHASES, "--seed", "7"),
                *("--exclude-path-regex", LEFT_OUT, "--continue-on-failure", "--no-color"),
            ],
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@pytest.mark.parametrize(
    ("role", "examples"),
    [
        (Role.OPERATOR, 2),
        *(pytest.param(role, 120, marks=pytest.mark.slow) for role in Role),  # 20,000 requests and more
    ],
)
def test_the_server_keeps_what_its_document_says(tmp_path: Path, role: Role, examples: int) -> None:
    told = _run(tmp_path, role, examples)
    generated = re.search(r"([0-9]+) generated", told)
    assert generated, told[-2000:]
    assert int(generated[1]) > 1000
