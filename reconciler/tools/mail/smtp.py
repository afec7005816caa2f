"""Handing a letter over by SMTP: to all of its recipients, or to none."""

from __future__ import annotations

import smtplib
from base64 import b64encode
from contextlib import suppress
from socket import socket
from typing import cast

from reconciler.errors import BadParameter, Denied, InvalidOutput, Overloaded, RunError, TimedOut, Unavailable
from reconciler.tools.mail.channel import Channel
from reconciler.tools.mail.endpoint import Endpoint, Login
from reconciler.tools.mail.letter import Letter
from reconciler.tools.tool import ToolContext

_ALLOWANCE = 1 << 20
"""Bytes of all replies of one session."""

_BUSY = (450, 451, 452)
"""Greylisting, trouble of the server's own, no room: it takes the same letter later."""

_TOO_LARGE = (523, 552)


def deliver(context: ToolContext, endpoint: Endpoint, login: Login | None, letter: Letter) -> None:
    """Returns when the server has taken the letter. Where the connection breaks between the letter's end and the
    server's word, nobody knows whether it has: the error then says so.

    Raises Unavailable, TimedOut, Overloaded, Denied, BadParameter, InvalidOutput, BudgetExceeded.
    """
    channel = Channel(context, endpoint, allowance=_ALLOWANCE)
    try:
        _Session(context, channel).deliver(login, letter)
    except smtplib.SMTPServerDisconnected as error:
        raise Unavailable(f"{endpoint} ended the connection") from error
    except (smtplib.SMTPException, ValueError) as error:
        raise InvalidOutput(f"{endpoint} does not speak SMTP: {type(error).__name__}") from error
    finally:
        channel.close()


class _Session:
    def __init__(self, context: ToolContext, channel: Channel) -> None:
        self._context = context
        self._channel = channel
        self._smtp = _Connection(channel)

    def deliver(self, login: Login | None, letter: Letter) -> None:
        self._expect(self._smtp.getreply(), "the connection")
        self._greet()
        if login is not None:
            self._log_in(login)
        self._check_size(letter)
        options = [f"size={len(letter.content)}"] if self._smtp.has_extn("size") else []
        self._expect(self._smtp.mail(letter.sender, options), f"mail from `{letter.sender}`")
        for recipient in letter.recipients:
            self._expect(self._smtp.rcpt(recipient), f"mail to `{recipient}`")
        self._send(letter)
        self._leave()

    def _greet(self) -> None:
        self._hello()
        if self._channel.endpoint.security != "starttls":
            return
        if not self._smtp.has_extn("starttls"):
            raise Denied(
                f"{self._channel.endpoint} offers no encryption, and nothing was sent",
                where=f"{self._context.step}/with/security",
                hint="is it a port for `security: tls`?",
            )
        self._expect(self._smtp.docmd("STARTTLS"), "encryption")
        self._channel.secure()
        self._smtp.listen_anew()
        self._hello()

    def _hello(self) -> None:
        if self._smtp.ehlo()[0] != 250:
            self._expect(self._smtp.helo(), "the greeting")

    def _log_in(self, login: Login) -> None:
        """Not smtplib's own way: that tries a wrong password once for each mechanism, and takes only ASCII."""
        offered = self._smtp.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, _ = self._smtp.docmd("AUTH", "PLAIN " + _packed(f"\0{login.username}\0{login.password}"))
        elif "LOGIN" in offered:
            code, _ = self._smtp.docmd("AUTH", "LOGIN " + _packed(login.username))
            if code == 334:
                code, _ = self._smtp.docmd(_packed(login.password))
        else:
            raise Denied(
                f"{self._channel.endpoint} takes no name and password here",
                where=f"{self._context.step}/with/username",
                hint="leave out `username` and `password_secret` if it needs none",
            )
        if 400 <= code < 500:
            raise Unavailable(f"{self._channel.endpoint} cannot check passwords just now (code {code})")
        if code not in (235, 503):
            raise Denied(
                f"{self._channel.endpoint} does not let `{login.username}` in (code {code})",
                where=f"{self._context.step}/with/password_secret",
                hint=f"is the secret `{login.secret}` the right password?",
            )

    def _check_size(self, letter: Letter) -> None:
        most = self._smtp.esmtp_features.get("size", "")
        if most.isdecimal() and 0 < int(most) < len(letter.content):
            raise BadParameter(
                f"the letter has {len(letter.content):,} bytes; {self._channel.endpoint} takes {int(most):,}",
                where=f"{self._context.step}/with",
            )

    def _send(self, letter: Letter) -> None:
        self._expect(self._smtp.docmd("DATA"), "the letter", wanted=354)
        try:
            # As bytes with CRLF throughout; a line that is a lone dot would end the letter.
            self._smtp.send(_stuffed(letter))
            reply = self._smtp.getreply()
        except (smtplib.SMTPServerDisconnected, Unavailable, TimedOut) as error:
            raise _uncertain(error, letter, self._channel.endpoint) from error
        self._expect(reply, "the letter")

    def _leave(self) -> None:
        """The letter is delivered: a server that ends badly now must not make anybody send it again."""
        self._channel.hurry()
        with suppress(smtplib.SMTPException, RunError, ValueError):
            self._smtp.docmd("QUIT")

    def _expect(self, reply: tuple[int, bytes], what: str, *, wanted: int = 0) -> None:
        code, text = reply
        if code == wanted or (not wanted and 200 <= code < 300):
            return
        endpoint = self._channel.endpoint
        if not 400 <= code < 600:
            raise InvalidOutput(f"{endpoint} answered {what} with what is no reply of SMTP")
        message = f"{endpoint} refuses {what}: {code} {_readable(text)}"
        if code in _BUSY:
            raise Overloaded(message, hint="it takes it later, it says")
        if code < 500:
            raise Unavailable(message)
        if code in _TOO_LARGE:
            raise BadParameter(message, where=f"{self._context.step}/with")
        raise Denied(message)


class _Connection(smtplib.SMTP):
    """smtplib over a channel."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(local_hostname=channel.own_address)
        self._channel = channel
        self.listen_anew()

    def listen_anew(self) -> None:
        """Forgets what has been received and not yet read."""
        self.sock = cast(socket, self._channel)
        self.file = None

    def getreply(self) -> tuple[int, bytes]:
        reply = super().getreply()
        if self._channel.ended:  # within a line, which smtplib takes for a whole one
            raise smtplib.SMTPServerDisconnected("in the middle of a reply")
        return reply


def _uncertain(error: Exception, letter: Letter, endpoint: Endpoint) -> RunError:
    kind = TimedOut if isinstance(error, TimedOut) else Unavailable
    return kind(
        f"{endpoint} did not confirm the letter: it may or may not have been delivered",
        hint=f"sent again by the same task, it has the same Message-ID: {letter.message_id}",
    )


def _stuffed(letter: Letter) -> bytes:
    """With every dot at the start of a line doubled, and the dot that ends it all."""
    return letter.content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _packed(text: str) -> str:
    return b64encode(text.encode()).decode()


def _readable(reply: bytes) -> str:
    """What a server said, as one line that is fit for a log."""
    text = " ".join(reply.decode("utf-8", "replace").split())[:200]
    return "".join(character for character in text if character.isprintable())
