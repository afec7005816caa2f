"""Letters handed over to a real SMTP server, and to some that misbehave."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from reconciler.errors import (
    BadParameter,
    BudgetExceeded,
    Denied,
    InvalidOutput,
    Overloaded,
    RunError,
    TimedOut,
    Unavailable,
)
from reconciler.tools.tool import Usage
from tests.integration.mail_calls import network, send, trusted
from tests.mail_servers import PASSWORD, Post, cutting_proxy, scripted_server, smtp_server

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # aiosmtpd about its own settings


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def smtp(post: Post) -> Iterator[int]:
    with smtp_server(post, trusted().server) as port:
        yield port


def test_a_letter_arrives_as_it_was_written(smtp: int, post: Post) -> None:
    usage = Usage()
    sent = send(
        smtp,
        subject="Grüße",
        text="Über\n.\n..Punkt €",
        cc=["b@example.com"],
        bcc="c@example.com",
        usage=usage,
    )
    (letter,) = post.received
    message: Any = message_from_bytes(letter.content, policy=default)
    assert letter.recipients == ["a@example.com", "b@example.com", "c@example.com"]
    assert message["subject"] == "Grüße"
    assert message.get_content().replace("\r\n", "\n") == "Über\n.\n..Punkt €\n"
    assert sent == {"sent": True, "message_id": message["message-id"]}
    assert usage.bytes > len(letter.content)


def test_tls_may_begin_with_the_connection(post: Post) -> None:
    with smtp_server(post, trusted().server, implicit=True) as port:
        assert send(port, security="tls")["sent"]
    assert len(post.received) == 1


def test_within_a_network_of_the_operator_mail_may_travel_open_and_without_login(post: Post) -> None:
    with smtp_server(post, None, login=False) as port:
        assert send(port, security="none", username=None, password_secret=None)["sent"]
    assert len(post.received) == 1


def test_a_repeated_letter_can_be_told_from_a_new_one(smtp: int, post: Post) -> None:
    first, again, other = send(smtp), send(smtp), send(smtp, text="Ho")
    assert first["message_id"] == again["message_id"] != other["message_id"]


def test_a_wrong_password_names_the_secret_and_shows_it_not(smtp: int, post: Post) -> None:
    with pytest.raises(Denied) as caught:
        send(smtp, password="wr0ng-one")
    assert caught.value.where == "step/with/password_secret"
    assert "`token`" in caught.value.hint
    assert "wr0ng-one" not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"
    assert post.received == []


def test_a_server_that_is_not_trusted_is_told_nothing(smtp: int, post: Post) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        send(smtp, network=network(trusting=False))
    with pytest.raises(Unavailable, match="certificate"):
        send(smtp, host="elsewhere.example", grant={"hosts": ["elsewhere.example"]})
    assert post.received == []


def test_what_is_not_encrypted_goes_nowhere(post: Post) -> None:
    heard: list[bytes] = []

    def eavesdropper(connected: socket.socket) -> None:
        connected.sendall(b"220 hello\r\n")
        heard.append(connected.recv(999))
        connected.sendall(b"250 AUTH PLAIN\r\n")
        while data := connected.recv(999):
            heard.append(data)

    with scripted_server(eavesdropper) as port, pytest.raises(Denied, match="no encryption"):
        send(port)
    assert [word.split()[0] for word in heard] == [b"ehlo"]


def test_what_was_said_before_tls_counts_for_nothing(post: Post) -> None:
    """A reply smuggled in behind the one to STARTTLS must not be taken for the server's own."""

    def smuggler(connected: socket.socket) -> None:
        connected.sendall(b"220 hello\r\n")
        connected.recv(999)
        connected.sendall(b"250-me\r\n250 STARTTLS\r\n")
        connected.recv(999)
        connected.sendall(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")
        time.sleep(0.2)
        with trusted().server.wrap_socket(connected, server_side=True) as secured:
            secured.recv(999)
            secured.sendall(b"550 I am the true one\r\n")
            secured.recv(999)
            secured.sendall(b"550 I am the true one\r\n")

    with scripted_server(smuggler) as port, pytest.raises(Denied, match="I am the true one"):
        send(port)


@pytest.mark.parametrize(
    "given",
    [{"host": "evil.example"}, {"host": "localhost:26", "port": None}, {"port": 26}, {"host": "*.localhost"}],
)
def test_only_granted_servers_are_asked(smtp: int, given: dict[str, Any]) -> None:
    with pytest.raises((Denied, BadParameter)) as caught:
        send(smtp, **given, grant={"hosts": [f"localhost:{smtp}"]})
    assert caught.value.where == "step/with/host"


def test_the_only_granted_server_and_its_port_need_not_be_named(smtp: int) -> None:
    assert send(smtp, host=None, port=None, grant={"hosts": [f"localhost:{smtp}"]})["sent"]
    with pytest.raises(BadParameter, match="exactly one"):
        send(smtp, host=None, grant={"hosts": ["localhost", "imap.example.com"]})


def test_open_mail_stays_inside(post: Post) -> None:
    """The address is public to this network, although it is this machine's."""

    class Outside(type(network())):  # type: ignore[misc]
        def connect(self, host: str, port: int, granted: Any, *, timeout: float) -> socket.socket:
            return socket.create_connection(("127.0.0.1", port), timeout=timeout)

    with smtp_server(post, None, login=False) as port, pytest.raises(Denied) as caught:
        send(port, security="none", username=None, password_secret=None, network=Outside())
    assert caught.value.where == "step/with/security"
    assert post.received == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("550 5.1.1 no such user", Denied),
        ("554 5.7.1 relay access denied", Denied),
        ("552 too large", BadParameter),
        ("450 4.2.0 greylisted", Overloaded),
        ("451 try later", Overloaded),
        ("452 4.2.2 mailbox full", Overloaded),
        ("421 closing", Unavailable),
        ("432 password expired", Unavailable),
    ],
)
@pytest.mark.parametrize("moment", ["sender", "recipient", "letter"])
def test_what_the_server_refuses_is_typed(
    smtp: int, post: Post, reply: str, error: type[RunError], moment: str
) -> None:
    if moment == "letter":
        post.after_data = reply
    else:
        post.refuse = {"agent@example.com" if moment == "sender" else "a@example.com": reply}
    with pytest.raises(error) as caught:
        send(smtp)
    assert reply[:3] in caught.value.message


def test_a_letter_goes_to_all_of_its_recipients_or_to_none(smtp: int, post: Post) -> None:
    post.refuse = {"b@example.com": "550 no such user"}
    with pytest.raises(Denied, match=r"b@example\.com"):
        send(smtp, to=["a@example.com", "b@example.com", "c@example.com"])
    assert post.received == []


def attachment(size: int) -> dict[str, str]:
    return {"name": "big.bin", "content": b64encode(b"\xa5" * size).decode()}


def test_a_large_attachment_is_a_matter_of_limits(smtp: int, post: Post) -> None:
    big = attachment(20 << 20)
    with pytest.raises(BadParameter) as caught:
        send(smtp, attachments=[big])
    assert caught.value.where == "step/with/attachments/0"
    assert post.received == []
    began = time.monotonic()
    assert send(smtp, attachments=[big], max_attachment_bytes=20 << 20)["sent"]
    assert time.monotonic() - began < 20
    message: Any = message_from_bytes(post.received[0].content, policy=default)
    (arrived,) = message.iter_attachments()
    assert arrived.get_content() == b"\xa5" * (20 << 20)


def test_the_server_says_beforehand_what_is_too_large_for_it(post: Post) -> None:
    with (
        smtp_server(post, trusted().server, size=1_000_000) as port,
        pytest.raises(BadParameter, match="1,000,000"),
    ):
        send(port, attachments=[attachment(1_000_000)])


def test_bytes_beyond_the_budget_stop_a_letter(smtp: int, post: Post) -> None:
    with pytest.raises(BudgetExceeded):
        send(smtp, attachments=[attachment(500_000)], grant={"limits": {"bytes": "100Ki"}})
    assert post.received == []


@pytest.mark.parametrize("after", [0, 10, 200, 2_000, 60_000])
@pytest.mark.parametrize("upwards", [True, False])
def test_a_cut_connection_is_unavailable(smtp: int, post: Post, after: int, upwards: bool) -> None:
    with cutting_proxy(smtp, after=after or 1, upwards=upwards) as port:
        try:
            send(port, attachments=[attachment(100_000)], seconds=10)
        except Unavailable:
            assert upwards or after < 2_000 or not post.received
        else:
            assert not upwards  # the server had said everything before it was cut
            assert len(post.received) == 1


def _talking(*replies: bytes) -> Callable[[socket.socket], None]:
    """A server that gives one reply after each thing it hears; an empty one is to hang up."""

    def script(connected: socket.socket) -> None:
        for number, reply in enumerate(replies):
            if number:
                connected.recv(65_536)
            if not reply:
                return
            connected.sendall(reply)
        connected.recv(65_536)

    return script


OPEN = {"security": "none", "username": None, "password_secret": None}


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([b""], Unavailable),
        ([b"what?\r\n"], InvalidOutput),
        ([b"220 " + b"x" * 20_000 + b"\r\n"], RunError),
        ([b"* OK IMAP4rev1\r\n"], InvalidOutput),
        ([b"\xff\xfe\0\0\r\n"], InvalidOutput),
        ([b"220 hi\r\n", b"250-a\r\n" * 300_000], InvalidOutput),
        ([b"554 go away\r\n"], Denied),
        ([b"421 busy\r\n"], Unavailable),
        ([b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 no 354\r\n"], InvalidOutput),
        ([b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b""], Unavailable),
    ],
)
def test_a_server_that_speaks_otherwise_is_typed(replies: list[bytes], error: type[RunError]) -> None:
    with scripted_server(_talking(*replies)) as port, pytest.raises(error):
        send(port, **OPEN, seconds=10)


def test_an_unconfirmed_letter_is_said_to_be_perhaps_delivered() -> None:
    replies = [b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b""]
    with scripted_server(_talking(*replies)) as port, pytest.raises(Unavailable) as caught:
        send(port, **OPEN, seconds=10)
    assert "may or may not" in caught.value.message
    assert "<t1.step." in caught.value.hint


def test_a_bad_end_after_delivery_is_no_failure() -> None:
    replies = [b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n"]

    def script(connected: socket.socket) -> None:
        _talking(*replies)(connected)
        time.sleep(5)  # hears QUIT and does not say a word

    with scripted_server(script) as port:
        began = time.monotonic()
        assert send(port, **OPEN)["sent"]
        assert time.monotonic() - began < 4


def _trickle(connected: socket.socket) -> None:
    for byte in b"220 " + b"x" * 10_000:
        connected.sendall(bytes([byte]))
        time.sleep(0.05)


def _hang(connected: socket.socket) -> None:
    connected.recv(1)
    time.sleep(5)


def _deaf(connected: socket.socket) -> None:
    """Takes a letter's beginning and reads no further."""
    for reply in (b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        connected.sendall(reply)
        connected.recv(4_096)
    time.sleep(5)


@pytest.mark.parametrize("script", [_trickle, _hang, _deaf])
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_the_deadline_holds_whatever_the_server_does(
    script: Callable[[socket.socket], None], security: str
) -> None:
    letter = {**OPEN, "security": security, "attachments": [attachment(8_000_000)]}
    began = time.monotonic()
    with scripted_server(script) as port, pytest.raises((TimedOut, Unavailable, Denied)):
        send(port, **letter, seconds=1.5)
    assert time.monotonic() - began < 3


def test_nobody_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable):
        send(port)


def test_a_password_with_line_ends_is_not_sent(smtp: int) -> None:
    with pytest.raises(BadParameter) as caught:
        send(smtp, password=PASSWORD + "\r\nRSET")
    assert caught.value.where == "step/with/password_secret"
    assert PASSWORD not in str(caught.value)
