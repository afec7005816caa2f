"""Mailboxes of a real IMAP server, and servers that misbehave."""

from __future__ import annotations

import socket
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest

from reconciler.errors import (
    BadParameter,
    BudgetExceeded,
    Conflict,
    Denied,
    InvalidOutput,
    RunError,
    TimedOut,
    Unavailable,
)
from reconciler.tools.tool import Usage
from tests.integration.mail_calls import mail, network, trusted
from tests.mail_servers import ImapServer, cutting_proxy, imap_server, scripted_server
from tests.unit.tools.malformed_mail import MALFORMED


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    with imap_server(trusted().server) as server:
        yield server


def read(at: int, action: str = "fetch", **params: Any) -> Any:
    return mail(at, **{"action": action, "security": "starttls", **params})


def letter(subject: str = "x", sender: str = "a@example.com", body: str = "hi", size: int = 0) -> bytes:
    message = EmailMessage()
    message["Message-ID"] = f"<{subject.encode().hex()}@example.com>"
    message["From"], message["To"], message["Subject"] = sender, "agent@example.com", subject
    message.set_content(body)
    if size:
        message.add_attachment(b"\xa5" * size, maintype="application", subtype="zip", filename="big.zip")
    return message.as_bytes()


def subjects(result: Any) -> list[str]:
    return [message["subject"] for message in result["messages"]]


def test_a_message_is_fetched_with_all_that_is_known_of_it(imap: ImapServer) -> None:
    usage = Usage()
    imap.put(letter("Grüße", "Jürgen <j@example.com>", "Über €\n"))
    result = read(imap.port, usage=usage)
    (message,) = result["messages"]
    assert (result["count"], result["more"], result["uid_validity"] > 0) == (1, False, True)
    assert message["message_id"] == f"<{'Grüße'.encode().hex()}@example.com>"
    assert (message["sender"], message["sender_name"]) == ("j@example.com", "Jürgen")
    assert (message["subject"], message["body"]) == ("Grüße", "Über €\n")
    assert message["received_at"].endswith("+00:00")
    assert message["size"] == len(letter("Grüße", "Jürgen <j@example.com>", "Über €\n"))
    assert usage.bytes > message["size"]


def test_tls_may_begin_with_the_connection() -> None:
    with imap_server(trusted().server, implicit=True) as server:
        server.put(letter())
        assert read(server.port, security="tls")["count"] == 1


def test_looking_changes_nothing(imap: ImapServer) -> None:
    imap.put(letter("a"), letter("b"))
    before = imap.flags()
    first = read(imap.port)
    read(imap.port, "search")
    assert read(imap.port) == first
    assert imap.flags() == before


def test_messages_are_marked_as_read_where_that_is_asked_for(imap: ImapServer) -> None:
    imap.put(letter("a"), letter("b"), letter("c"))
    assert subjects(read(imap.port, mark_seen=True, limit=2)) == ["a", "b"]
    assert subjects(read(imap.port)) == ["c"]
    assert subjects(read(imap.port, unseen=False)) == ["a", "b", "c"]


def test_a_limit_leaves_the_rest_for_later(imap: ImapServer) -> None:
    imap.put(*(letter(f"m{number:03}") for number in range(250)))
    first = read(imap.port, limit=120)
    assert subjects(first) == [f"m{number:03}" for number in range(120)]
    assert first["more"] is True
    rest = read(imap.port, limit=200, after_uid=first["messages"][-1]["uid"])
    assert subjects(rest) == [f"m{number:03}" for number in range(120, 250)]
    assert rest["more"] is False
    assert subjects(read(imap.port, "search", limit=2, order="newest")) == ["m249", "m248"]
    assert read(imap.port, after_uid=rest["messages"][-1]["uid"])["messages"] == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["old", 'say "hi"', "Grüße aus 東京"]),
        ({"unseen": False}, ["old", "read", 'say "hi"', "Grüße aus 東京"]),
        (
            {"since": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))},
            ['say "hi"', "Grüße aus 東京"],
        ),
        ({"from": "b@example.com"}, ['say "hi"']),
        ({"from": "nobody"}, []),
        ({"subject": 'say "hi"'}, ['say "hi"']),
        ({"subject": "Grüße"}, ["Grüße aus 東京"]),
        ({"subject": "東京", "from": "Jürgen"}, ["Grüße aus 東京"]),
        ({"subject": "東京", "from": "Jörg"}, []),
        ({"subject": 'x" UNSEEN OR ALL "'}, []),
    ],
)
def test_filters_find_what_they_say(imap: ImapServer, filters: dict[str, Any], expected: list[str]) -> None:
    imap.put(letter("old"), days_old=40)
    imap.put(letter("read"), seen=True)
    imap.put(letter('say "hi"', "b@example.com"), letter("Grüße aus 東京", "Jürgen <c@example.com>"))
    result = read(imap.port, "search", **filters)
    assert sorted(subjects(result)) == sorted(expected)
    assert "body" not in str(result)


def test_other_mailboxes_are_read_by_name(imap: ImapServer) -> None:
    imap.make('Entwürfe & "Mehr"')
    imap.put(letter("draft"), mailbox='Entwürfe & "Mehr"')
    assert subjects(read(imap.port, mailbox='Entwürfe & "Mehr"')) == ["draft"]
    with pytest.raises(BadParameter) as caught:
        read(imap.port, mailbox="nowhere")
    assert caught.value.where == "step/with/mailbox"


def test_marks_are_put_and_taken_off(imap: ImapServer) -> None:
    imap.put(letter("a"), letter("b"))
    first, second = (message["uid"] for message in read(imap.port, "search")["messages"])
    assert read(imap.port, "mark", uids=[first, second, 4_000], seen=True, flagged=True) == {"count": 2}
    assert imap.flags() == {first: {"\\Seen", "\\Flagged"}, second: {"\\Seen", "\\Flagged"}}
    for _ in range(2):  # again is no different
        assert read(imap.port, "mark", uids=[second], seen=False) == {"count": 1}
    assert imap.flags()[second] == {"\\Flagged"}
    assert read(imap.port, "mark", uids=[], seen=True) == {"count": 0}


def test_messages_are_moved(imap: ImapServer) -> None:
    imap.make("Done")
    imap.put(letter("a"), letter("b"))
    uid = read(imap.port, "search")["messages"][0]["uid"]
    assert read(imap.port, "mark", uids=[uid], seen=True, move_to="Done") == {"count": 1}
    assert subjects(read(imap.port)) == ["b"]
    assert subjects(read(imap.port, mailbox="Done", unseen=False)) == ["a"]
    assert read(imap.port, "mark", uids=[uid], seen=True, move_to="Done") == {"count": 0}


def test_numbers_of_another_time_are_a_conflict(imap: ImapServer) -> None:
    imap.put(letter())
    found = read(imap.port, "search")
    uids = [found["messages"][0]["uid"]]
    assert read(imap.port, "mark", uids=uids, uid_validity=found["uid_validity"], seen=True) == {"count": 1}
    with pytest.raises(Conflict):
        read(imap.port, "mark", uids=uids, uid_validity=found["uid_validity"] + 1, seen=True)


def test_attachments_come_where_they_are_asked_for(imap: ImapServer) -> None:
    imap.put(letter("with", size=1_000))
    (named,) = read(imap.port)["messages"][0]["attachments"]
    assert (named["name"], named["size"], named["content"]) == ("big.zip", 1_000, None)
    (whole,) = read(imap.port, with_attachments=True)["messages"][0]["attachments"]
    assert b64decode(whole["content"]) == b"\xa5" * 1_000


def test_a_large_attachment_is_a_matter_of_limits(imap: ImapServer) -> None:
    imap.put(letter("heavy", size=20 << 20), letter("light"))
    usage = Usage()
    heavy, light = read(imap.port, usage=usage)["messages"]
    assert (heavy["body"], heavy["truncated"], light["body"]) == ("hi\n", True, "hi\n")
    assert usage.bytes < 5 << 20
    (refused,) = read(imap.port, with_attachments=True)["messages"][0]["attachments"]
    assert (refused["omitted"], refused["size"]) == ("too large", 20 << 20)
    (taken,) = read(imap.port, with_attachments=True, max_attachment_bytes=20 << 20)["messages"][0][
        "attachments"
    ]
    assert len(b64decode(taken["content"])) == 20 << 20


def test_bytes_beyond_the_budget_stop_a_fetch(imap: ImapServer) -> None:
    imap.put(letter(size=1_000_000))
    with pytest.raises(BudgetExceeded):
        read(imap.port, with_attachments=True, grant={"limits": {"bytes": "100Ki"}})


def test_malformed_mail_stops_nobody(imap: ImapServer) -> None:
    taken = 0
    for _, raw, _ in MALFORMED:
        with suppress(Exception):  # some are too much for the server itself
            imap.put(raw)
            taken += 1
    imap.put(letter("the last"))
    result = read(imap.port, limit=500, with_attachments=True)
    assert result["count"] == taken + 1 > 35
    assert result["messages"][-1]["subject"] == "the last"
    assert read(imap.port, "search", limit=500)["count"] == result["count"]


def test_a_wrong_password_names_the_secret_and_shows_it_not(imap: ImapServer) -> None:
    with pytest.raises(Denied) as caught:
        read(imap.port, password="wr0ng-one")
    assert caught.value.where == "step/with/password_secret"
    assert "`token`" in caught.value.hint
    assert "wr0ng-one" not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


def test_a_server_that_is_not_trusted_is_told_nothing(imap: ImapServer) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        read(imap.port, network=network(trusting=False))


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"mailbox": 'INBOX"\r\nx DELETE INBOX'}, "mailbox"),
        ({"subject": "x\r\ny LOGOUT"}, "subject"),
        ({"from": "x\0"}, "from"),
        ({"username": "u\r\nx LOGOUT"}, "username"),
        ({"password": "p\r\nx LOGOUT"}, "password_secret"),
        ({"password": ""}, "password_secret"),
        ({"username": None}, ""),
        ({"action": "mark", "uids": [0], "seen": True}, "uids"),
        ({"action": "mark", "uids": [1 << 32], "seen": True}, "uids"),
        ({"action": "mark", "uids": [1], "move_to": "x\ny"}, "move_to"),
        ({"limit": 501}, "limit"),
        ({"host": None, "grant": {"hosts": ["*.example.com"]}}, "host"),
    ],
)
def test_what_could_become_another_command_is_refused(
    imap: ImapServer, given: dict[str, Any], place: str
) -> None:
    with pytest.raises(BadParameter) as caught:
        read(imap.port, **given)
    assert caught.value.where == f"step/with/{place}".rstrip("/")


@pytest.mark.parametrize("after", [1, 30, 150, 600, 5_000, 300_000])
@pytest.mark.parametrize("upwards", [True, False])
def test_a_cut_connection_is_unavailable(imap: ImapServer, after: int, upwards: bool) -> None:
    imap.put(letter(size=1_000_000))
    with cutting_proxy(imap.port, after=after, upwards=upwards) as port:
        try:
            result = read(port, with_attachments=True, seconds=10)
        except Unavailable:
            return
    assert upwards  # everything had been asked before it was cut
    assert result["count"] == 1


GREETING = b"* OK hello\r\n"
OPEN = {"security": "none", "seconds": 10, "password": "any"}


def _answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """A server that has one answer to each command, in which TAG is the command's; an empty one is to hang up."""

    def script(connected: socket.socket) -> None:
        connected.sendall(answers[0])
        with connected.makefile("rb") as commands:
            for answer in answers[1:]:
                tag = commands.readline().split(b" ")[0]
                if not tag or not answer:
                    return
                connected.sendall(answer.replace(b"TAG", tag))

    return script


CAPABLE = b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"
SELECTED = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY]\r\n"
DESCRIBED = (
    b'* 1 FETCH (UID 1 FLAGS () INTERNALDATE "01-Jan-2025 00:00:00 +0000" RFC822.SIZE 9)\r\nTAG OK done\r\n'
)
UP_TO_FETCH = [GREETING, CAPABLE, b"TAG OK done\r\n", SELECTED, b"* SEARCH 1\r\nTAG OK done\r\n", DESCRIBED]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([b""], Unavailable),
        ([b"220 smtp here\r\n"], RunError),
        ([b"* BYE too many connections\r\n"], RunError),
        ([b"\xff\xfe\0\r\n"], RunError),
        ([b"x" * 6_000_000], RunError),
        ([b"* OK {2000000000}\r\n"], RunError),
        ([GREETING, b"TAG BAD what\r\n"], InvalidOutput),
        ([GREETING, b"* CAPABILITY X\r\nTAG OK done\r\n"], InvalidOutput),
        ([GREETING, CAPABLE, b"TAG NO [AUTHENTICATIONFAILED] no\r\n"], Denied),
        ([GREETING, CAPABLE, b"TAG NO [UNAVAILABLE] later\r\n"], Unavailable),
        ([GREETING, CAPABLE, b"* BYE\r\n"], Unavailable),
        ([GREETING, CAPABLE, b"TAG OK done\r\n", b"TAG NO [NONEXISTENT] none\r\n"], BadParameter),
        ([GREETING, CAPABLE, b"TAG OK done\r\n", SELECTED, b"* SEARCH 1 ]\r\n+ what\r\n"], RunError),
        ([GREETING, CAPABLE, b"TAG OK done\r\n", SELECTED, b"* SEARCH 1\r\nTAG NO [LIMIT]\r\n"], RunError),
        ([*UP_TO_FETCH, b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n"], InvalidOutput),
        ([*UP_TO_FETCH, b"* 1 FETCH (UID 1 BODY[] {9}\r\nabc"], RunError),
        ([*UP_TO_FETCH, b"* 1 FETCH (UID 1 BODY[] {-9}\r\n"], RunError),
        ([*UP_TO_FETCH, b"* 1 FETCH (UID 1)\r\n" * 400_000], InvalidOutput),
        ([*UP_TO_FETCH, b""], Unavailable),
    ],
)
def test_a_server_that_speaks_otherwise_is_typed(answers: list[bytes], error: type[RunError]) -> None:
    with scripted_server(_answering(*answers)) as port, pytest.raises(error):
        read(port, **OPEN)


def test_messages_that_nobody_asked_for_are_not_taken() -> None:
    fetched = b"* 2 FETCH (UID 2 BODY[] {2}\r\nhi)\r\n* 1 FETCH (BODY[] {9}\r\nA: b\r\n\r\nc UID 1)\r\nTAG OK done\r\n"
    with scripted_server(_answering(*UP_TO_FETCH, fetched)) as port:
        result = read(port, **OPEN)
    assert [(message["uid"], message["body"]) for message in result["messages"]] == [(1, "c")]


def _trickle(connected: socket.socket) -> None:
    for byte in b"* OK " + b"x" * 10_000:
        connected.sendall(bytes([byte]))
        time.sleep(0.05)


def _hang(connected: socket.socket) -> None:
    connected.recv(1)
    time.sleep(5)


def _stop_within(connected: socket.socket) -> None:
    _answering(*UP_TO_FETCH, b"* 1 FETCH (UID 1 BODY[] {9}\r\nabc")(connected)
    time.sleep(5)


@pytest.mark.parametrize("script", [_trickle, _hang, _stop_within])
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_the_deadline_holds_whatever_the_server_does(
    script: Callable[[socket.socket], None], security: str
) -> None:
    began = time.monotonic()
    with scripted_server(script) as port, pytest.raises((TimedOut, Unavailable, Denied)):
        read(port, security=security, seconds=1.5, password="any")
    assert time.monotonic() - began < 3


def test_a_farewell_is_not_waited_for_longer_than_manners_demand() -> None:
    fetched = b"* 1 FETCH (UID 1 BODY[] {9}\r\nA: b\r\n\r\nc)\r\nTAG OK done\r\n"

    def script(connected: socket.socket) -> None:
        _answering(*UP_TO_FETCH, fetched)(connected)
        time.sleep(5)

    with scripted_server(script) as port:
        began = time.monotonic()
        assert read(port, **OPEN)["count"] == 1
        assert time.monotonic() - began < 4
