"""What every command is asked alike: where the manifests and the database are, how to show, what is allowed.

Options stand before the command's name or after it (`reconcile --json status`, `reconcile status --json`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import click

from reconciler.cli.console import Console

if TYPE_CHECKING:
    from reconciler.control.reconciler import Reconciler
    from reconciler.settings import Settings

Shared = Literal["source", "database", "json", "yes", "allow", "debug"]


@dataclass(frozen=True, slots=True)
class Invocation:
    """None and empty mean: not said, the environment or the default decides."""

    source: str | None = None
    database: str | None = None
    json: bool = False
    yes: bool = False
    allow: tuple[str, ...] = ()
    debug: bool = False

    def console(self) -> Console:
        return Console.of_process(json=self.json)

    def settings(self) -> Settings:
        from reconciler.settings import Settings

        found = Settings.from_environment()
        return replace(found, source=self.source or found.source, database=self.database or found.database)

    def reconciler(self, *, create: bool = False) -> Reconciler:
        """To be used as a context manager; `create` makes the database where there is none."""
        from reconciler.bootstrap import open_reconciler

        return open_reconciler(self.settings(), create=create)

    def actor(self) -> str:
        """Who is recorded as having done it: RECONCILER_ACTOR or the login name."""
        import getpass

        configured = self.settings().actor
        if configured:
            return configured
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # a container's user need not have a name
            return "unknown"

    def merged(self, said: dict[str, Any]) -> Invocation:
        """With what was said after the command's name, which wins over what was said before it."""
        given = {name: value for name, value in said.items() if value}
        if "allow" in given:
            given["allow"] = (*self.allow, *given["allow"])
        return replace(self, **given)


def _known_hazards(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """A misspelt allowance would be found out only by the apply that is refused."""
    if values:
        from reconciler.plans.hazards import ALLOWABLE
        from reconciler.spec.findings import did_you_mean

        for code in (value.partition(":")[0] for value in values):
            if code not in ALLOWABLE:
                hint = did_you_mean(code, ALLOWABLE)
                raise click.BadParameter(f"{code!r} is no hazard that can be allowed; {hint}".rstrip("; "))
    return values


_OPTIONS: dict[Shared, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "source": click.option(
        "--source", metavar="DIR", help="Manifests. [RECONCILER_SOURCE; default: agents.d]"
    ),
    "database": click.option(
        "--database",
        metavar="URL",
        help="Database. [RECONCILER_DATABASE_URL; default: sqlite:///reconciler.db]",
    ),
    "json": click.option("--json", is_flag=True, help="One JSON document on stdout, errors too."),
    "yes": click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
    "allow": click.option(
        "--allow",
        metavar="CODE[:OBJECT]",
        multiple=True,
        callback=_known_hazards,
        help="Let a hazard pass; may be repeated.",
    ),
    "debug": click.option("--debug", is_flag=True, help="Show the traceback of an error."),
}


def shared_options(*names: Shared) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command these options, and its function an `Invocation` as first argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            before = click.get_current_context().find_object(Invocation) or Invocation()
            return function(before.merged({name: given.pop(name) for name in names}), **given)

        decorated: Callable[..., Any] = command
        for name in reversed(names):
            decorated = _OPTIONS[name](decorated)
        return decorated

    return decorate
