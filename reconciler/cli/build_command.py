"""`reconcile build`: a conversation at the terminal, or through a pipe, that ends in manifests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.build_text import cost, draft_in_words, next_steps, printable_lines, whole_draft, written
from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.builder.service import AgentBuilderService
    from reconciler.builder.views import Reply, SessionView

_FENCE = "```"
_ASIDE = "Write it? Say yes, say what shall be different, or `show` to see the YAML and the plan."
_MOST_DEFAULTS = 30
"""Questions that are answered by their defaults at most, where nobody answers any more."""


class _Unfinished(ReconcilerError):
    """The answers ended before the draft was written."""

    code = "unfinished"


@click.command()
@click.option("--template", metavar="NAME", help="What kind of agent it is to be; else that is asked first.")
@click.option("--resume", metavar="ID", help="Go on with a conversation.")
@click.option("--fork", metavar="ID", help="Go on with a copy of one, whatever became of it.")
@click.option("--delete", metavar="ID", help="Delete a conversation.")
@click.option("--list", "listing", is_flag=True, help="List your conversations, newest first.")
@click.option("--model", metavar="NAME", help="The language model that listens. [any that Ollama has]")
@click.option("--models", is_flag=True, help="List the language models there are.")
@click.option("--guided", is_flag=True, help="Fixed questions and rules, no language model.")
@shared_options("source", "database", "json", "yes", "debug")
def build(
    invocation: Invocation,
    template: str | None,
    resume: str | None,
    fork: str | None,
    delete: str | None,
    listing: bool,
    model: str | None,
    models: bool,
    guided: bool,
) -> int:
    """Talk an agent into being, and have it written.

    Say what it shall do, answer what is missing, look at the draft.

    Answers are lines; a block between lines of ``` is one answer. `show` shows the draft as YAML, `quit` gives up.
    Without an Ollama server the conversation follows fixed questions. --yes writes the draft without asking once it
    is complete, and takes defaults where the answers end. Nothing is applied: that is what `reconcile --apply` is for.
    """
    _require_one(resume=resume, fork=fork, delete=delete, listing=listing, models=models)
    if guided and model:
        raise UsageError("--guided is without a model", hint="leave one of --guided and --model out")
    from reconciler.bootstrap import open_builder

    builder = open_builder(invocation.settings())
    console, owner = invocation.console(), invocation.actor()
    if listing:
        return _list(builder, console, owner)
    if models:
        console.lines(builder.models())
        return 0
    if delete:
        builder.delete(delete, owner=owner)
        console.tell(f"Deleted conversation {delete}.")
        return 0
    session = _begin(builder, owner, template, resume, fork, model or "", guided)
    source = invocation.settings().source
    return _Conversation(builder, console, owner, source, yes=invocation.yes).lead(session)


def _require_one(**given: object) -> None:
    named = [f"--{'list' if name == 'listing' else name}" for name, value in given.items() if value]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} are two different things", hint="use one of them")


def _begin(
    builder: AgentBuilderService,
    owner: str,
    template: str | None,
    resume: str | None,
    fork: str | None,
    model: str,
    guided: bool,
) -> SessionView:
    if fork:
        return builder.fork(fork, owner=owner, of=owner)
    if resume:
        return builder.resume(resume, owner=owner, model=model, guided=guided)
    return builder.start(owner=owner, template=template, model=model, guided=guided)


def _list(builder: AgentBuilderService, console: Console, owner: str) -> int:
    found = builder.list_sessions(owner=owner)
    if console.json:
        console.document({"sessions": [asdict(brief) for brief in found]})
        return 0
    rows = [
        (brief.id, brief.state.value, brief.template or "-", moment(brief.updated_at), brief.title)
        for brief in found
    ]
    if rows:
        console.lines(aligned(("CONVERSATION", "STATE", "TEMPLATE", "SINCE", "ABOUT"), rows))
    else:
        console.tell("There are no conversations yet.")
    return 0


class _Conversation:
    """One sitting: reads answers from standard input until the draft is written, given up, or nobody answers."""

    def __init__(
        self, builder: AgentBuilderService, console: Console, owner: str, source: str, *, yes: bool
    ) -> None:
        self._builder, self._console, self._owner, self._yes = builder, console, owner, yes
        self._folder = "" if source.startswith("git+") else f"{source.rstrip('/')}/"
        self._terminal = sys.stdin.isatty()
        self._session, self._shown = "", ""
        self._answers = _answers()
        self._took = 0.0

    def lead(self, session: SessionView) -> int:
        self._session = session.id
        self._say(self._opening(session))
        try:
            return self._talk(session)
        except KeyboardInterrupt:
            self._console.tell(f"\nThe conversation is kept: reconcile build --resume {self._session}")
            raise

    def _opening(self, session: SessionView) -> str:
        last = next((m.text for m in reversed(session.messages) if m.role == "builder"), "")
        if session.questions and len(session.messages) > 1:
            from reconciler.builder.speech import question_text

            return "\n".join(map(question_text, session.questions))
        return last

    def _talk(self, session: SessionView) -> int:
        from reconciler.builder.views import SessionState

        state = session.state
        if state is SessionState.PREVIEW:
            self._preview()
        while True:
            if state is SessionState.CONFIRMED or (self._yes and state is SessionState.PREVIEW):
                return self._finish()
            answer = self._next()
            if answer is None:
                return self._take_defaults() if self._yes else self._leave()
            if answer.strip().lower() == "show":
                self._show()
                continue
            state = self._turn(answer).state
            if state is SessionState.ABANDONED:
                return 0
            if state is SessionState.PREVIEW and not self._yes:
                self._preview()

    def _turn(self, answer: str) -> Reply:
        from reconciler.builder.views import Reply

        for piece in self._builder.stream(self._session, answer, owner=self._owner):
            if isinstance(piece, Reply):
                self._took += piece.seconds
                self._write("\n\n")
                return piece
            self._write(printable_lines(piece))
        raise AssertionError("a turn ends with a reply")

    def _take_defaults(self) -> int:
        """Nobody answers any more: what has a default gets it, what has none is told."""
        from reconciler.builder.views import SessionState

        for _ in range(_MOST_DEFAULTS):
            reply = self._turn("")
            if reply.state is SessionState.PREVIEW:
                return self._finish()
            if any(not question.default for question in reply.questions) or not reply.questions:
                break
        return self._leave()

    def _finish(self) -> int:
        from reconciler.control.proposals import Author

        if self._yes:
            self._show()
        preview = self._builder.schema(self._session, owner=self._owner)
        done = self._builder.finalize(self._session, Author(self._owner), owner=self._owner)
        if self._console.json:
            self._console.document(written(done))
            return 0
        self._console.lines(next_steps(done, preview, self._folder))
        self._console.tell(cost(done, self._took))
        return 0

    def _leave(self) -> int:
        raise _Unfinished(
            "the answers ended before the draft was complete",
            hint=f"go on with: reconcile build --resume {self._session}",
        )

    def _preview(self) -> None:
        """What the draft would do, unless that was just shown; and what may be said to it."""
        preview = self._builder.schema(self._session, owner=self._owner)
        if self._console.json or preview.yaml == self._shown:
            return
        self._shown = preview.yaml
        self._console.lines(draft_in_words(preview, self._console))
        self._say(_ASIDE)

    def _show(self) -> None:
        if not self._console.json:
            preview = self._builder.schema(self._session, owner=self._owner)
            self._console.lines(whole_draft(preview, self._console))

    def _next(self) -> str | None:
        """The next answer; None at the end of them. In a pipe it is shown, so that the transcript can be read."""
        if self._terminal:
            self._write("> ")
        answer = next(self._answers, None)
        if answer is not None and not self._terminal:
            self._write("".join(f"> {line}\n" for line in answer.split("\n")))
        return answer

    def _say(self, text: str) -> None:
        self._write(f"{printable_lines(text)}\n\n")

    def _write(self, text: str) -> None:
        stream = self._console.err if self._console.json else self._console.out
        stream.write(text)
        stream.flush()


def _answers() -> Iterator[str]:
    """Answers from standard input: lines, and blocks between fences."""
    block: list[str] | None = None
    for line in sys.stdin:
        text = line.rstrip("\r\n")
        if block is None and not text.strip().startswith(_FENCE):
            yield text
            continue
        block = [*(block or []), text]
        if len(block) > 1 and text.strip().endswith(_FENCE):
            yield "\n".join(block)
            block = None
    if block:
        yield "\n".join(block)
