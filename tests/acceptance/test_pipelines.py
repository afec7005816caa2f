"""What `reconcile init --ci` writes, walked: its own commands, on a bare repository, with a forge on loopback."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.command_line import PROGRAM, CommandLine
from tests.forge_server import ForgeServer
from tests.repository import Repository

TYPE = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: notes}}
spec:
  version: {version}
  models:
    note:
      fields:
        title: {{type: string, max_length: 200, required: true}}
{more}"""
FIRST = TYPE.format(version="1.0.0", more="")
SECOND = TYPE.format(version="1.1.0", more="        urgency: {type: integer, min: 1, max: 5}\n")
THIRD = TYPE.format(version="1.1.0", more="        urgency: {type: integer, min: 1, max: 9}\n")


class Pipeline:
    """The jobs of a written file, run step by step as the forge would, in a fresh clone."""

    def __init__(self, kind: str, remote: Path, folder: Path, forge: ForgeServer) -> None:
        self.kind, self._remote, self._folder = kind, remote, folder
        bin_ = folder / "bin"
        bin_.mkdir()
        (bin_ / "pip").write_text("#!/bin/sh\n")  # what it would install is there
        (bin_ / "pip").chmod(0o755)
        self._environment = {
            "PATH": f"{bin_}:{PROGRAM.parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "RECONCILER_CACHE_DIR": str(folder / "cache"),
            "GITHUB_API_URL": forge.url,
            "GITHUB_REPOSITORY": "team/agents",
            "GITHUB_TOKEN": "secret-token",
            "CI_API_V4_URL": forge.url,
            "CI_PROJECT_PATH": "team/agents",
            "RECONCILER_FORGE_TOKEN": "secret-token",
        }

    def plan(self, branch: str, request: int) -> subprocess.CompletedProcess[str]:
        base = (
            self._git("merge-base", "origin/main", f"origin/{branch}")
            if self.kind == "gitlab"
            else "origin/main"
        )
        return self._run("plan", branch, BASE=base, REQUEST=str(request))

    def apply(self, before: str, database: str) -> subprocess.CompletedProcess[str]:
        return self._run("apply", "main", BASE=before, RECONCILER_DATABASE_URL=database)

    def _git(self, *arguments: str) -> str:
        clone = self._folder / "asked"
        if not clone.exists():
            subprocess.run(["git", "clone", "--quiet", self._remote, clone], check=True)
        subprocess.run(["git", "fetch", "--quiet"], cwd=clone, check=True)
        return subprocess.run(
            ["git", *arguments], cwd=clone, check=True, capture_output=True, text=True
        ).stdout.strip()

    def _run(self, job: str, branch: str, **told: str) -> subprocess.CompletedProcess[str]:
        clone = self._folder / f"clone-{len([*self._folder.glob('clone-*')])}"
        subprocess.run(["git", "clone", "--quiet", self._remote, "--branch", branch, clone], check=True)
        done = subprocess.CompletedProcess[str]("", 0, "", "")
        out = ""
        for always, command in self._steps(clone, job):
            if done.returncode and not always:
                continue
            step = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", command],
                cwd=clone,
                env={**self._environment, **told},
                capture_output=True,
                text=True,
                check=False,
            )
            out += step.stdout + step.stderr
            if step.returncode:
                done = step
        return subprocess.CompletedProcess("", done.returncode, out, "")

    def _steps(self, clone: Path, job: str) -> Iterator[tuple[bool, str]]:
        """(whether it runs after a failure too, command), each variable of the forge being in the environment."""
        if self.kind == "gitlab":
            document = yaml.safe_load((clone / ".gitlab-ci.yml").read_text())
            # A forge runs a job's script as one: variables set by one line are there in the next.
            yield False, "\n".join(document[f"reconciler-{job}"]["script"])
            return
        document = yaml.safe_load((clone / f".{self.kind}/workflows/reconciler.yaml").read_text())
        for step in document["jobs"][job]["steps"]:
            if "run" in step:
                yield step.get("if") == "always()", step["run"]


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with ForgeServer() as server:
        yield server


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab"])
def test_a_change_is_planned_reviewed_merged_and_only_then_applied(
    kind: str, tmp_path: Path, forge: ForgeServer
) -> None:
    work = Repository(tmp_path / "work")
    line = CommandLine(work.folder)
    assert line("init", "--ci", kind).code == 0
    before = work.commit({"agents.d/notes.yaml": FIRST}, "first")
    remote = work.bare_copy(tmp_path / "remote.git")
    pipeline = Pipeline(kind, remote, tmp_path, forge)
    database = f"sqlite:///{tmp_path}/production.db"
    assert line("--apply", "--yes", "--database", database).code == 0

    # A branch: its plan is a comment, which the next push replaces.
    work.git("switch", "--quiet", "--create", "urgency")
    work.commit({"agents.d/notes.yaml": SECOND}, "urgency")
    work.git("push", "--quiet", "origin", "urgency")
    planned = pipeline.plan("urgency", 7)
    assert planned.returncode == 0, planned.stdout
    assert pipeline.plan("urgency", 7).returncode == 0
    ((request, comment),) = forge.comments.values()
    assert request == 7
    assert "column urgency" in comment
    assert "secret-token" not in comment
    reviewed = re.findall("plan `([0-9a-f]{16})`", comment)

    # Changed after the review, and merged: refused, since nobody has seen that plan.
    work.commit({"agents.d/notes.yaml": THIRD}, "sneaked in")
    merged = _merge(work, forge, 7)
    refused = pipeline.apply(before, database)
    assert refused.returncode == 4, refused.stdout
    assert reviewed[0] in refused.stdout
    assert line("history", "--database", database, "--json").document["revisions"][0]["number"] == 1

    # As it was reviewed, it is applied, and shown.
    work.git("switch", "--quiet", "main")
    work.git("reset", "--quiet", "--hard", before)
    work.git("branch", "--quiet", "--force", "urgency", f"{merged}^2^")
    work.git("push", "--quiet", "--force", "origin", "main")
    _merge(work, forge, 7)
    applied = pipeline.apply(before, database)
    assert applied.returncode == 0, applied.stdout
    assert "Applied 1 unit as revision 2." in applied.stdout
    assert "type/notes  1.1.0    in sync" in applied.stdout


def test_the_hook_runs_what_a_commit_must_pass(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    assert line("init", "--ci", "pre-commit").code == 0
    line.write("agents.d/notes.yaml", FIRST)
    hooks = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    for hook in hooks:
        assert re.match(hook["files"], "agents.d/notes.yaml")
        assert line(*hook["entry"].split()[1:]).code == 0
    line.write("agents.d/notes.yaml", FIRST.replace("string", "strin"))
    assert line(*hooks[0]["entry"].split()[1:]).code == 3


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.write(".gitlab-ci.yml", "mine")
    refused = line("init", "--ci", "gitlab")
    assert refused.code == 6
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "mine"


def _merge(work: Repository, forge: ForgeServer, request: int) -> str:
    """As the button of the forge does."""
    work.git("switch", "--quiet", "main")
    work.git("merge", "--quiet", "--no-ff", "--message", "merge", "urgency")
    work.git("push", "--quiet", "origin", "main")
    merged = work.git("rev-parse", "HEAD")
    forge.merged[merged] = request
    return merged
