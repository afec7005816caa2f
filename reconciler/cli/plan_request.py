"""What `reconcile --plan` and `reconcile --apply` were asked for, and the options they are asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import click

Format = Literal["text", "json", "markdown", "sarif", "github"]
FORMATS: tuple[Format, ...] = ("text", "json", "markdown", "sarif", "github")


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """`plan_file` is the recorded plan to apply, None for one made now; `out` and `write_revision` are paths.

    `keep_going` applies the other units after one has failed. `test` runs the tests of the types that would change.
    `base` is a commit to compare with instead of the database, `plan_id` the plan that was reviewed: nothing else is
    applied.
    """

    apply: bool
    plan_file: str | None = None
    format: Format = "text"
    out: str | None = None
    sql: bool = False
    write_revision: str | None = None
    detailed_exitcode: bool = False
    reason: str = ""
    use_cache: bool = True
    keep_going: bool = True
    test: bool = False
    base: str | None = None
    plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """`interval` is how many seconds pass at most until the source is looked at again."""

    interval: float = 30.0
    metrics_port: int | None = None
    once: bool = False


_OPTIONS = (
    click.option("--plan", is_flag=True, help="Show what would change; changes nothing."),
    click.option(
        "--apply",
        "apply",
        metavar="[PLANFILE]",
        is_flag=False,
        flag_value="",
        default=None,
        help="Make it so: what PLANFILE says if it still holds, else a plan made now.",
    ),
    click.option("--out", metavar="FILE", help="Record the plan, as --apply FILE takes it."),
    click.option("--format", "format_", type=click.Choice(FORMATS), help="How the plan is shown."),
    click.option("--sql", is_flag=True, help="Show the statements as well."),
    click.option(
        "--test", is_flag=True, help="Run the tests of the types that would change; exit 1 if one fails."
    ),
    click.option("--write-revision", metavar="DIR", help="Write the plan as an Alembic revision file."),
    click.option(
        "--detailed-exitcode",
        is_flag=True,
        help="Exit with 2 where changes are pending; after --apply none are.",
    ),
    click.option("--reason", metavar="TEXT", help="Why, for the history."),
    click.option("--fail-fast", is_flag=True, help="Stop at the first unit that fails."),
    click.option("--base", metavar="REF", help="Compare with this commit; needs no database."),
    click.option("--plan-id", metavar="ID", help="Refuse to apply any other plan than this one."),
    click.option("--no-cache", is_flag=True, help="Read every manifest anew."),
    click.option(
        "--watch", is_flag=True, help="Follow the source and keep applying what is sound, until stopped."
    ),
    click.option(
        "--interval",
        type=click.FloatRange(0.1, 86_400),
        metavar="SECONDS",
        help="How often the source is looked at without an event. [30]",
    ),
    click.option(
        "--metrics-port", type=click.IntRange(1, 65535), help="Answer Prometheus here, on 127.0.0.1."
    ),
    click.option("--once", is_flag=True, help="Leave after one pass."),
)

_GOES_WITH = {
    "out": ("--plan",),
    "format_": ("--plan",),
    "sql": ("--plan",),
    "test": ("--plan",),
    "write_revision": ("--plan",),
    "detailed_exitcode": ("--plan", "--apply"),
    "no_cache": ("--plan", "--apply"),
    "reason": ("--apply",),
    "fail_fast": ("--apply",),
    "base": ("--plan", "--apply"),
    "plan_id": ("--apply",),
    "interval": ("--watch",),
    "metrics_port": ("--watch",),
    "once": ("--watch",),
}


def plan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def plan_request(
    said: dict[str, Any], *, json: bool, command: str | None
) -> PlanRequest | WatchRequest | None:
    """The request, None where neither a plan nor an apply was asked for.

    `command` is the name of the command that follows the options, if one does. Raises click's UsageError
    where options contradict each other or would be ignored.
    """
    applies = said["apply"] is not None
    modes = [name for name, said_so in _modes(said) if said_so]
    if len(modes) > 1:
        raise click.UsageError(f"{modes[0]} and {modes[1]} exclude each other")
    mode = modes[0] if modes else ""
    if mode and command:
        raise click.UsageError(f"{mode} does not go with the command {command}")
    for name, fitting in _GOES_WITH.items():
        if said[name] and mode not in fitting:
            option = name.strip("_").replace("_", "-")
            raise click.UsageError(f"--{option} only goes with {' or '.join(fitting)}")
    if json and said["format_"] not in (None, "json"):
        raise click.UsageError(f"--json and --format {said['format_']} exclude each other")
    if not mode:
        return None
    if applies and said["base"] and not said["plan_id"]:
        raise click.UsageError("--base goes with --apply only to tell which --plan-id was reviewed")
    if mode == "--watch":
        return WatchRequest(said["interval"] or 30.0, said["metrics_port"], said["once"])
    return PlanRequest(
        apply=applies,
        plan_file=said["apply"] or None,
        format="json" if json else said["format_"] or "text",
        out=said["out"],
        sql=said["sql"],
        write_revision=said["write_revision"],
        detailed_exitcode=said["detailed_exitcode"],
        reason=said["reason"] or "",
        use_cache=not said["no_cache"],
        keep_going=not said["fail_fast"],
        test=said["test"],
        base=said["base"],
        plan_id=said["plan_id"],
    )


def _modes(said: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
    # Whoever follows applies: `--apply --watch` only says so. With the file of one plan it makes no sense.
    applies = said["apply"] is not None and not (said["watch"] and said["apply"] == "")
    return ("--plan", said["plan"]), ("--apply", applies), ("--watch", said["watch"])
