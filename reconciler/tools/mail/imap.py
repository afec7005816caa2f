"""Mailbox: one folder on an IMAP server. Nothing is changed by looking: only `mark` and `move` leave a trace."""

from __future__ import annotations

import imaplib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from socket import socket
from typing import Any, cast

from reconciler.errors import BadParameter, Denied, InvalidOutput, Overloaded, RunError, Unavailable
from reconciler.tools.mail.channel import Channel
from reconciler.tools.mail.endpoint import Endpoint, Login
from reconciler.tools.mail.imap_answers import Found, found_in, numbers_in, reason_of
from reconciler.tools.mail.imap_syntax import mailbox_name, number_set, quoted
from reconciler.tools.tool import ToolContext

_ALLOWANCE = 4 << 20
"""Bytes of all answers of one session besides the messages: a search in a mailbox of half a million fits."""

_BATCH_BYTES = 4 << 20
_BATCH = 100
_BUSY = ("LIMIT", "INUSE", "OVERQUOTA")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a search. `text` is what a person wrote: sent so that nothing in it is syntax."""

    keyword: str
    text: str = ""


class Mailbox:
    """Made by `opened`. Numbers of messages are UIDs, which stay as long as `validity` does."""

    def __init__(self, context: ToolContext, channel: Channel, imap: _Connection, name: str) -> None:
        self._context = context
        self._channel = channel
        self._imap = imap
        self._name = name
        self.validity = 0

    def select(self, *, writable: bool) -> None:
        status, answer = self._imap.select(mailbox_name(self._name), readonly=not writable)
        if status != "OK":
            raise self._refused(answer, f"the mailbox `{self._name}`", "mailbox")
        said = self._imap.response("UIDVALIDITY")[1]
        self.validity = next(iter(numbers_in(said)), 0)

    def search(self, criteria: Sequence[Criterion]) -> list[int]:
        """UIDs in ascending order. A text beyond ASCII must be sent as a literal, of which one search takes one: for
        each other one there is another search, and what all of them find is found."""
        plain = [item for item in criteria if item.text.isascii()]
        foreign = [item for item in criteria if not item.text.isascii()]
        words = [word for item in plain for word in _words(item)] or ["ALL"]
        if not foreign:
            return sorted(self._search(words))
        found = [
            self._search(["CHARSET", "UTF-8", *words, item.keyword], literal=item.text.encode())
            for item in foreign
        ]
        return sorted(set.intersection(*found))

    def describe(self, uids: Sequence[int]) -> dict[int, Found]:
        """Flags, sizes and moments of arrival."""
        found: dict[int, Found] = {}
        for start in range(0, len(uids), _BATCH):
            found |= self._fetch(uids[start : start + _BATCH], "FLAGS INTERNALDATE RFC822.SIZE")
        return found

    def headers(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for start in range(0, len(uids), _BATCH):
            batch = uids[start : start + _BATCH]
            self._channel.allowance += len(batch) * 65_536
            for uid, found in self._fetch(batch, "BODY.PEEK[HEADER]<0.65536>").items():
                yield uid, found.literal

    def messages(self, sizes: dict[int, int], most: int) -> Iterator[tuple[int, bytes]]:
        """The bytes of each message, of larger ones the first `most`. Several small ones are fetched at once."""
        for batch in _batches(sizes, most):
            self._channel.allowance += sum(min(sizes[uid], most) for uid in batch) + 1024 * len(batch)
            for uid, found in self._fetch(batch, f"BODY.PEEK[]<0.{most}>").items():
                yield uid, found.literal

    def mark(self, uids: Sequence[int], flag: str, wanted: bool) -> None:
        self._command("STORE", number_set(uids), f"{'+' if wanted else '-'}FLAGS.SILENT", f"({flag})")

    def move(self, uids: Sequence[int], target: str) -> None:
        """Raises BadParameter where the server cannot move without endangering other messages."""
        capabilities = self._imap.learned()  # most servers say it only to whom they know
        if "MOVE" in capabilities:
            self._command("MOVE", number_set(uids), mailbox_name(target), place="move_to")
        elif "UIDPLUS" in capabilities:
            self._command("COPY", number_set(uids), mailbox_name(target), place="move_to")
            self.mark(uids, r"\Deleted", True)
            self._command("EXPUNGE", number_set(uids))
        else:
            raise BadParameter(
                f"{self._channel.endpoint} cannot move single messages",
                where=f"{self._context.step}/with/move_to",
                hint="mark them instead",
            )

    def _search(self, words: Sequence[str], *, literal: bytes | None = None) -> set[int]:
        if literal is not None:
            cast(Any, self._imap).literal = literal  # imaplib's own way, as `append` uses it
        return set(numbers_in(self._command("SEARCH", *words)))

    def _fetch(self, uids: Sequence[int], items: str) -> dict[int, Found]:
        self._context.remaining()
        answer = self._command("FETCH", number_set(uids), f"(UID {items})")
        wanted = set(uids)
        return {found.uid: found for found in found_in(answer) if found.uid in wanted}

    def _command(self, name: str, *words: str, place: str = "") -> list[Any]:
        status, answer = self._imap.uid(name, *words)
        if status != "OK":
            raise self._refused(answer, name.lower(), place)
        return answer

    def _refused(self, answer: list[Any], what: str, place: str) -> RunError:
        code, text = reason_of(answer)
        message = f"{self._channel.endpoint} refuses {what}: {text}"
        if code in _BUSY:
            return Overloaded(message)
        if code == "UNAVAILABLE":
            return Unavailable(message)
        if place:
            return BadParameter(message, where=f"{self._context.step}/with/{place}")
        return Denied(message)


@contextmanager
def opened(context: ToolContext, endpoint: Endpoint, login: Login | None, name: str) -> Iterator[Mailbox]:
    """A session of one mailbox, not selected yet.

    Raises Unavailable, TimedOut, Overloaded, Denied, BadParameter, InvalidOutput, BudgetExceeded.
    """
    channel = Channel(context, endpoint, allowance=_ALLOWANCE)
    try:
        imap = _Connection(channel)
        if endpoint.security == "starttls":
            imap.begin_tls()
        _log_in(context, imap, endpoint, login)
        yield Mailbox(context, channel, imap, name)
        channel.hurry()
        with suppress(imaplib.IMAP4.error, RunError, OSError):
            imap.logout()
    except imaplib.IMAP4.readonly as error:
        raise Denied(
            f"the mailbox `{name}` can only be read", where=f"{context.step}/with/mailbox"
        ) from error
    except imaplib.IMAP4.abort as error:
        if "unexpected" in str(error):
            raise InvalidOutput(f"{endpoint} does not speak IMAP") from error
        raise Unavailable(f"{endpoint} ended the connection") from error
    except (imaplib.IMAP4.error, ValueError, LookupError, TypeError, AttributeError) as error:
        # imaplib trusts the server: what is no IMAP makes it stumble in many ways.
        raise InvalidOutput(f"{endpoint} does not speak IMAP: {type(error).__name__}") from error
    finally:
        channel.close()


class _Connection(imaplib.IMAP4):
    """imaplib over a channel. Of the methods that it offers for this, each is replaced."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._reader: BufferedReader = channel.makefile()
        super().__init__()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host = self._channel.endpoint.host
        self.port = self._channel.endpoint.port
        self.sock = cast(socket, self._channel)

    def read(self, size: int) -> bytes:
        if size > self._channel.allowance + self._buffered:
            raise InvalidOutput(f"{self._channel.endpoint} announces more than it was asked for")
        return self._reader.read(size)

    def readline(self) -> bytes:
        return self._reader.readline(self._channel.allowance + self._buffered + 1)

    def send(self, data: Any) -> None:
        self._channel.sendall(data)

    def shutdown(self) -> None:
        self._channel.close()

    def begin_tls(self) -> None:
        status, _ = self.xatom("STARTTLS") if "STARTTLS" in self.capabilities else ("NO", [])
        if status != "OK":
            raise Denied(
                f"{self._channel.endpoint} offers no encryption, and nothing was sent",
                hint="is it a port for `security: tls`?",
            )
        self._channel.secure()
        self._reader = self._channel.makefile()
        self.learned()

    def learned(self) -> tuple[str, ...]:
        """What the server can do, asked anew."""
        _, answer = self.capability()
        self.capabilities = tuple((answer[-1] or b"").decode("ascii", "replace").upper().split())
        return self.capabilities

    @property
    def _buffered(self) -> int:
        """More than what has been received but not read yet can never be."""
        return 65_536


def _log_in(context: ToolContext, imap: imaplib.IMAP4, endpoint: Endpoint, login: Login | None) -> None:
    if imap.state == "AUTH":  # the server knows who calls
        return
    if login is None:
        raise BadParameter(
            "a mailbox belongs to somebody: to read it, `username` and `password_secret` are needed",
            where=f"{context.step}/with",
        )
    try:
        if "AUTH=PLAIN" in imap.capabilities or not f"{login.username}{login.password}".isascii():
            secret = f"\0{login.username}\0{login.password}".encode()
            imap.authenticate("PLAIN", lambda _: secret)
        else:
            imap.login(quoted(login.username), login.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        said = error.args[0] if error.args else b""
        code, text = reason_of([said if isinstance(said, bytes) else str(said).encode()])
        if code in _BUSY:
            raise Overloaded(f"{endpoint} refuses the login just now: {text}") from error
        if code == "UNAVAILABLE":
            raise Unavailable(f"{endpoint} cannot check passwords just now: {text}") from error
        raise Denied(
            f"{endpoint} does not let `{login.username}` in",
            where=f"{context.step}/with/password_secret",
            hint=f"is the secret `{login.secret}` the right password?",
        ) from error


def _words(criterion: Criterion) -> Iterable[str]:
    yield criterion.keyword
    if criterion.text:
        yield quoted(criterion.text)


def _batches(sizes: dict[int, int], most: int) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0
    for uid, size in sizes.items():
        if batch and (total + min(size, most) > _BATCH_BYTES or len(batch) >= _BATCH):
            yield batch
            batch, total = [], 0
        batch.append(uid)
        total += min(size, most)
    if batch:
        yield batch
