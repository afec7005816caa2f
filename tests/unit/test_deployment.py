"""What `.deploy` says holds of the program: its commands parse, its settings are read, its parts find each other."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from api.config import ServeConfig
from reconciler.cli.main import COMMANDS, reconcile
from reconciler.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / ".deploy"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))

Environment = Mapping[str, str]


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


@cache
def objects(kind: str) -> dict[str, dict[str, Any]]:
    """Kubernetes objects by name."""
    documents = [found for file in KUBERNETES for found in yaml.safe_load_all(file.read_text())]
    return {found["metadata"]["name"]: found for found in documents if found["kind"] == kind}


def unit(file: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(file.read_text())
    return parser


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """With the pod that each is in."""
    for deployment in objects("Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield container, pod


def commands() -> Iterator[object]:
    """What each process is started with, behind the name of the program."""
    for name, service in compose()["services"].items():
        if service["image"] == "reconciler":
            yield pytest.param(service["command"], id=f"compose {name}")
    for container, _ in containers():
        yield pytest.param(container["args"], id=f"kubernetes {container['name']}")
    for file in UNITS:
        program, *arguments = shlex.split(unit(file)["Service"]["ExecStart"])
        assert program == "/opt/reconciler/bin/reconcile"
        yield pytest.param(arguments, id=file.stem)
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for said in re.findall(r"^CMD \[(.*)\]$", dockerfile, re.MULTILINE):
        yield pytest.param([part.strip().strip('"') for part in said.split(",")], id="Dockerfile")


@pytest.mark.parametrize("arguments", list(commands()))
def test_every_command_is_one_the_program_takes(arguments: list[str]) -> None:
    """Parsed with all options by the command line itself; nothing is run."""
    name = next((part for part in arguments if part in COMMANDS), None)
    own = arguments[: arguments.index(name)] if name else arguments
    told = [*own, *([name] if name else [])]
    with suppress(click.exceptions.Exit), reconcile.make_context("reconcile", told) as context:  # of --help
        command = reconcile.get_command(context, name) if name else None
        if command:
            command.make_context(name, arguments[len(own) + 1 :], parent=context)


class Asked(dict[str, str]):
    """An environment that remembers what was looked up."""

    def __init__(self) -> None:
        super().__init__(RECONCILER_API_PEPPER="made up")
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def environments() -> Iterator[object]:
    for name, service in compose()["services"].items():
        if service["image"] == "reconciler":
            yield pytest.param(service["environment"], id=f"compose {name}")
    yield pytest.param(
        objects("ConfigMap")["reconciler"]["data"] | objects("Secret")["reconciler"]["stringData"],
        id="kubernetes",
    )
    lines = [line for line in (DEPLOY / "systemd/environment").read_text().splitlines() if "=" in line[:40]]
    said = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    for file in UNITS:
        own = dict(word.split("=", 1) for word in unit(file)["Service"]["Environment"].split())
        yield pytest.param(said | own, id=file.stem)


@pytest.mark.parametrize("environment", list(environments()))
def test_every_variable_is_one_the_program_reads(environment: Environment) -> None:
    asked = Asked()
    Settings.from_environment(asked)
    ServeConfig.from_environment(asked)
    assert {name for name in environment if name.startswith("RECONCILER_")} <= asked.names
    assert all(isinstance(value, str) for value in environment.values())
    settings = Settings.from_environment(environment)
    database = urlsplit(settings.database)
    assert database.scheme == "postgresql"
    assert database.password is None, "it has a variable of its own, which a secret can fill"


def test_services_of_compose_wait_for_services_that_tell_when_they_are_ready() -> None:
    services = compose()["services"]
    for service in services.values():
        for name in service.get("depends_on", {}):
            assert "healthcheck" in services[name]
    named = {volume.split(":")[0] for s in services.values() for volume in s.get("volumes", [])}
    assert {name for name in named if "/" not in name} == set(compose()["volumes"])
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s.get("ports", []))


def test_kubernetes_objects_find_each_other() -> None:
    for name, deployment in objects("Deployment").items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items(), name
    for container, pod in containers():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            assert "secret" not in volume or volume["secret"]["secretName"] in objects("Secret")
        for source in container["envFrom"]:
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            assert source[f"{kind[0].lower()}{kind[1:]}Ref"]["name"] in objects(kind)
        ports = {port["name"] for port in container.get("ports", [])}
        probes = [container[key] for key in container if key.endswith("Probe")]
        assert {probe["httpGet"]["port"] for probe in probes} <= ports
        assert not container["securityContext"]["allowPrivilegeEscalation"]
    (service,) = objects("Service").values()
    chosen = service["spec"]["selector"].items()
    assert any(
        chosen <= deployment["spec"]["template"]["metadata"]["labels"].items()
        for deployment in objects("Deployment").values()
    )


def test_processes_have_longer_to_stop_than_they_give_their_tasks() -> None:
    for container, pod in containers():
        assert pod["terminationGracePeriodSeconds"] > _grace(container["args"])
    for file in UNITS:
        service = unit(file)["Service"]
        assert int(service["TimeoutStopSec"]) > _grace(service["ExecStart"].split())
    for service in compose()["services"].values():
        if service["image"] == "reconciler" and "--grace" in service["command"]:
            assert int(service["stop_grace_period"].removesuffix("s")) > _grace(service["command"])


def _grace(arguments: list[str]) -> float:
    return float(arguments[arguments.index("--grace") + 1]) if "--grace" in arguments else 0.0


def test_the_image_is_built_from_what_is_there_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / path).exists() for path in source.split())
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert len(set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))) == 1
