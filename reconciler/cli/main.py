"""`reconcile`: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.lazy_group import LazyGroup
from reconciler.cli.plan_request import WatchRequest, plan_options, plan_request
from reconciler.errors import ReconcilerError, UsageError

COMMANDS = {
    "init": ("reconciler.cli.manifest_commands:init", "Write a first manifest, or a shipped agent."),
    "build": ("reconciler.cli.build_command:build", "Talk an agent into being, and have it written."),
    "validate": ("reconciler.cli.manifest_commands:validate", "Check the manifests without a database."),
    "test": ("reconciler.cli.test_command:test", "Run the manifests' own tests."),
    "schema": (
        "reconciler.cli.manifest_commands:schema",
        "Print the JSON Schema of the manifests, for editors.",
    ),
    "status": ("reconciler.cli.status_command:status", "Show what is in place and what to do next."),
    "run": ("reconciler.cli.run_command:run", "Run an agent once, and show what it stored."),
    "worker": ("reconciler.cli.worker_command:worker", "Work the queue until told to stop."),
    "scheduler": (
        "reconciler.cli.worker_command:scheduler",
        "Submit the tasks of agents that are run by the clock",
    ),
    "tasks": (
        "reconciler.cli.task_commands:tasks",
        "Submit tasks, list them, cancel them, re-drive those that were given up.",
    ),
    "agents": (
        "reconciler.cli.agents_command:agents",
        "List agents, show what each can do, and put them on hold.",
    ),
    "incidents": ("reconciler.cli.incidents_command:incidents", "List what tasks did that no task should."),
    "tools": ("reconciler.cli.tools_command:tools", "List tools, their parameters, and who may use them."),
    "results": ("reconciler.cli.results_command:results", "Show the rows that agents wrote."),
    "suspend": ("reconciler.cli.suspend_commands:suspend", "Keep objects as they are for a while."),
    "resume": (
        "reconciler.cli.suspend_commands:resume",
        "Let suspended objects follow their manifests again.",
    ),
    "lease": ("reconciler.cli.lease_command:lease", "List who may write, or take it from them."),
    "history": ("reconciler.cli.revision_commands:history", "List what was applied, newest first."),
    "show": ("reconciler.cli.revision_commands:show", "Show one revision: its changes and statements."),
    "rollback": ("reconciler.cli.revision_commands:rollback", "Bring back the state of a former revision."),
    "docs": ("reconciler.cli.docs_command:docs", "Show or publish what types and agents are."),
    "sdk": ("reconciler.cli.sdk_command:sdk", "Write a typed client for the types that there are."),
    "dev": (
        "reconciler.cli.dev_command:dev",
        "Check a manifest, make up values, serve an API to develop against.",
    ),
    "archive": (
        "reconciler.cli.archive_commands:archive",
        "List, restore or purge parked tables and columns.",
    ),
    "audit": ("reconciler.cli.audit_command:audit", "Show who did what; prove that nothing was altered."),
    "delete": ("reconciler.cli.lifecycle_commands:delete", "Delete a type or an agent, as a preview shows."),
    "restore": (
        "reconciler.cli.lifecycle_commands:restore",
        "Bring back a type or an agent that was deleted.",
    ),
    "export": ("reconciler.cli.export_commands:export", "Write manifests and rows into one file."),
    "import": ("reconciler.cli.export_commands:import_", "Bring an export into this source and database."),
    "keys": ("reconciler.cli.key_commands:keys", "Keys of the API, and of encrypted fields."),
    "serve": ("reconciler.cli.serve_command:serve", "Serve the REST API until told to stop."),
    "comment": (
        "reconciler.cli.comment_command:comment",
        "Put a plan on a pull request, or tell which plan was reviewed.",
    ),
    "doctor": ("reconciler.cli.doctor_command:doctor", "Check that everything needed is there."),
}

EPILOG = """\b
Exit codes:
    0  done, or nothing to do
    1  an error
    2  changes are pending (only with --detailed-exitcode)
    3  manifests are invalid
    4  the plan is stale
    5  locked by another apply
    6  refused by a gate: hazard, policy, mass removal
    7  applied in part: some units failed
    8  a task failed
   64  wrong usage
  130  interrupted

\b
Start here:
  reconcile init        a first manifest
  reconcile --plan      what would change
  reconcile --apply     make it so
"""

INTERRUPTED = 130
READER_WENT_AWAY = 141
"""What a shell reports of a program that ended by SIGPIPE."""

_COMPLETION = "_RECONCILE_COMPLETE"


class _InterruptedError(ReconcilerError):
    code = "interrupted"
    exit_status = INTERRUPTED


class _InternalError(ReconcilerError):
    code = "internal"


class _OutputError(ReconcilerError):
    code = "output"


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@plan_options
@shared_options("source", "database", "json", "yes", "allow", "debug")
@click.version_option(__version__, prog_name="reconcile", message="%(prog)s %(version)s")
def reconcile(invocation: Invocation, **said: Any) -> int | None:
    """Keep LLM agents, their tables and their rows as the YAML in a folder says.

    Without a command and without --plan or --apply: show where things stand and what to do next.
    """
    context = click.get_current_context()
    context.obj = invocation
    request = plan_request(said, json=invocation.json, command=context.invoked_subcommand)
    if context.invoked_subcommand:
        return None
    if request is None:
        if invocation.yes or invocation.allow:
            raise click.UsageError("--yes and --allow go with --apply or a command that changes something")
        from reconciler.cli.status_command import show_status

        return show_status(invocation)
    if isinstance(request, WatchRequest):
        from reconciler.cli.watch_command import run_watch

        return run_watch(invocation, request)
    from reconciler.cli.plan_command import run_plan

    return run_plan(invocation, request)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code; every error has been shown by then."""
    told = list(sys.argv[1:] if arguments is None else arguments)
    # At its end Python looks for garbage once more, through all there is: of no use to a process that ends.
    atexit.register(gc.freeze)
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_characters(stream)
    try:
        status = _run(told)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_the_rest(sys.stdout)
        return READER_WENT_AWAY
    except OSError as error:
        _discard_the_rest(sys.stdout)
        return _fail(_OutputError(f"standard output cannot be written: {error.strerror}"), [], error)
    return status


def _run(arguments: list[str]) -> int:
    try:
        return _invoke(arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:  # of a stream; what concerns files is told by who opens them
            raise
        return _fail_unexpectedly(error, arguments)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        return _fail(_InterruptedError("interrupted", hint="run it again to go on"), arguments, error)
    except click.ClickException as error:
        return _fail(_usage(error), arguments, error)
    except ReconcilerError as error:
        return _fail(error, arguments, error)
    except Exception as error:
        return _fail_unexpectedly(error, arguments)


def _invoke(arguments: list[str]) -> int:
    if _COMPLETION in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(reconcile, {}, "reconcile", _COMPLETION, os.environ[_COMPLETION])
    with reconcile.make_context("reconcile", list(arguments)) as context:
        status = reconcile.invoke(context)
    return status if isinstance(status, int) else 0


def _fail_unexpectedly(error: Exception, arguments: list[str]) -> int:
    text = f"{type(error).__name__}: {error}".split("\n", 1)[0].rstrip(": ")
    hint = "this is a bug; --debug shows the traceback to report"
    return _fail(_InternalError(f"unexpected {text}", hint=hint), arguments, error)


def _fail(error: ReconcilerError, arguments: list[str], cause: BaseException) -> int:
    """Shows the error in the way the arguments ask for, even if they are what is wrong."""
    if "--debug" in arguments or os.environ.get("RECONCILER_DEBUG"):
        import traceback

        traceback.print_exception(cause)
    try:
        Console.of_process(json=_wants_json(arguments)).error(error)
        sys.stderr.flush()
    except OSError:  # where nobody can be told, the exit code still tells
        _discard_the_rest(sys.stderr)
    return error.exit_status


def _wants_json(arguments: list[str]) -> bool:
    formats = [value for name, value in pairwise(arguments) if name == "--format"]
    return "--json" in arguments or "--format=json" in arguments or "json" in formats


def _usage(error: click.ClickException) -> UsageError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "reconcile"
    return UsageError(error.format_message(), hint=f"{path} --help lists what there is")


def _open_what_is_closed() -> None:
    """A process may be started without standard streams; what it says there goes nowhere then."""
    # Standard input comes first, so that each gets the descriptor it should have.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - it stays open as long as the process


def _never_fail_on_characters(stream: TextIO) -> None:
    """A terminal that lacks a character gets its escape instead of a crash."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _discard_the_rest(stream: TextIO) -> None:
    """What is still buffered would fail again when the interpreter closes the stream at its end."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
