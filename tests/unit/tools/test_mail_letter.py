"""A letter says what the call says, goes to whom the grant says, and no value of it becomes a header of its own."""

from __future__ import annotations

from base64 import b64encode
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import BadParameter, Denied
from reconciler.spec.agent_type import Grant
from reconciler.tools.mail.letter import Letter, letter_of
from tests.unit.tools.calls import surroundings_of

LIMITS = {"max_attachments": 3, "max_attachment_bytes": 1_000, "max_total_bytes": 1_500}
PLAIN = {"from": "agent@example.com", "to": "a@example.com", "subject": "Hello", "text": "Hi"}


def written(recipients: tuple[str, ...] = ("*@example.com",), step: str = "step", **params: Any) -> Letter:
    context = surroundings_of(Grant(name="email_connector", recipients=[*recipients]))
    context.step = step
    return letter_of(context, {**LIMITS, **PLAIN, **params})


def opened(letter: Letter) -> EmailMessage:
    message = message_from_bytes(letter.content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_texts_beyond_ascii_arrive_whole_over_any_server() -> None:
    letter = written(subject="Grüße an 東京 " * 20, text="Über\n.\nAlles €\n" + "ß" * 3_000)
    message = opened(letter)
    assert letter.content.isascii()
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
    assert b"\n" not in letter.content.replace(b"\r\n", b"")
    assert message["subject"].strip() == ("Grüße an 東京 " * 20).strip()
    assert message.get_content().replace("\r\n", "\n") == "Über\n.\nAlles €\n" + "ß" * 3_000 + "\n"


def test_hidden_copies_are_in_no_header() -> None:
    letter = written(cc=["b@example.com", "a@example.com"], bcc="secret@example.com")
    assert letter.recipients == ("a@example.com", "b@example.com", "secret@example.com")
    assert b"secret" not in letter.content


def test_text_html_and_attachments_stand_side_by_side() -> None:
    attachments = [
        {"name": "größe.csv", "type": "text/csv", "text": "ä;1"},
        {"name": "../x.bin", "content": b64encode(b"\0\xff").decode()},
    ]
    message = opened(written(html="<p>Hi", attachments=attachments))
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "text/html"),
        *("text/csv", "application/octet-stream"),
    ]
    table, raw = message.iter_attachments()
    assert (table.get_filename(), table.get_content()) == ("größe.csv", "ä;1")
    assert (raw.get_filename(), raw.get_content()) == ("x.bin", b"\0\xff")


def test_an_answer_names_what_it_answers() -> None:
    message = opened(written(in_reply_to="<1@example.com>", reply_to="desk@example.com"))
    assert message["in-reply-to"] == message["references"] == "<1@example.com>"
    assert message["reply-to"] == "desk@example.com"
    assert message["auto-submitted"] == "auto-generated"


def test_a_repeated_letter_is_the_same_and_any_other_is_not() -> None:
    first = written()
    assert first.message_id == written().message_id
    assert first.message_id.startswith("<t1.step.")
    others = [
        written(text="Ho"),
        written(subject="Ho"),
        written(to="b@example.com"),
        written(bcc="b@example.com"),
        written(step="actions[2]"),
        written(attachments=[{"name": "x", "text": "y"}]),
        written(html="Hi", text=None),
    ]
    assert len({first.message_id, *(other.message_id for other in others)}) == 8


def test_no_text_can_end_its_own_part() -> None:
    attachment = {"name": "x", "text": "y"}
    boundary = opened(written(attachments=[attachment])).get_boundary()
    message = opened(written(text=f"Hi\n--{boundary}--\nFrom: evil", attachments=[attachment]))
    assert boundary != message.get_boundary()
    assert len([*message.iter_parts()]) == 2


INJECTIONS = [
    ("subject", "x\r\nBcc: evil@example.org", "subject"),
    ("subject", "x\nBcc: evil@example.org", "subject"),
    ("subject", "x\rBcc: evil@example.org", "subject"),
    ("subject", "x\x0bBcc: evil@example.org", "subject"),
    ("subject", "x\x85Bcc: evil@example.org", "subject"),
    ("subject", "x\u2028Bcc: evil@example.org", "subject"),
    ("subject", "x\0", "subject"),
    ("subject", "\ud800", "subject"),
    ("subject", "x" * 2_001, "subject"),
    ("to", "a@example.com\r\nBcc: evil@example.org", "to"),
    ("to", "a@example.com, evil@example.org", "to"),
    ("to", "a@example.com>\r\nRCPT TO:<evil@example.org", "to"),
    ("to", ["a@example.com", "b@example.com\n"], "to/1"),
    ("to", "Bob <a@example.com>", "to"),
    ("to", "*@example.com", "to"),
    ("to", "@example.com", "to"),
    ("to", "a@exa mple.com", "to"),
    ("to", '"a b"@example.com', "to"),
    ("to", [], "to"),
    ("to", 7, "to"),
    ("to", {"a": "b"}, "to"),
    ("to", [f"a{n}@example.com" for n in range(101)], "to"),
    ("cc", "evil", "cc"),
    ("bcc", ["x\r\n@example.com"], "bcc/0"),
    ("from", "agent@example.com\r\nX: y", "from"),
    ("from", "agent@example.com SIZE=1", "from"),
    ("reply_to", "a@example.com\nX: y", "reply_to"),
    ("in_reply_to", "<a@b>\r\nX: y", "in_reply_to"),
    ("in_reply_to", "a@b", "in_reply_to"),
    ("attachments", "x", "attachments"),
    ("attachments", [7], "attachments/0"),
    ("attachments", [{"name": "x"}], "attachments/0"),
    ("attachments", [{"text": "x"}], "attachments/0/name"),
    ("attachments", [{"name": "x", "text": "y", "content": "eQ=="}], "attachments/0"),
    ("attachments", [{"name": "x", "content": "%%%"}], "attachments/0/content"),
    ("attachments", [{"name": 'x"\r\nX: y', "text": "y"}], "attachments/0/name"),
    ("attachments", [{"name": "x", "text": "y", "type": "text/html\r\nX: y"}], "attachments/0/type"),
    ("attachments", [{"name": "x", "text": "y", "type": "multipart/mixed"}], "attachments/0/type"),
    ("attachments", [{"name": "x", "text": "y", "type": "message/rfc822"}], "attachments/0/type"),
    ("attachments", [{"name": "x", "text": "y", "path": "/etc/passwd"}], "attachments/0"),
    ("attachments", [{"name": "x", "text": "y" * 1_001}], "attachments/0"),
    ("attachments", [{"name": "x", "text": "y" * 800}] * 2, "attachments/1"),
    ("attachments", [{"name": "x", "text": "y"}] * 4, "attachments"),
]


@pytest.mark.parametrize(("name", "value", "place"), INJECTIONS)
def test_what_could_become_something_else_is_refused_at_its_place(name: str, value: Any, place: str) -> None:
    with pytest.raises(BadParameter) as caught:
        written(**{name: value})
    assert caught.value.where == f"step/with/{place}"


_SPECIAL = st.text(alphabet='ab@.,:;<>()[]"\\\r\n\x0b\x0c\x1c\x85\u2028=?_é \t', max_size=80)


@given(_SPECIAL, _SPECIAL, _SPECIAL)
def test_whatever_is_written_there_are_only_the_headers_meant(subject: str, text: str, name: str) -> None:
    try:
        letter = written(subject=subject, text=text, attachments=[{"name": name, "text": text}])
    except BadParameter:
        return
    message = opened(letter)
    assert sorted(key.lower() for key in message) == [
        *("auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to")
    ]
    assert len([*message.walk()]) == 3
    assert [*message["to"].addresses] == [*opened(written())["to"].addresses]


@pytest.mark.parametrize(
    ("recipients", "to", "granted"),
    [
        (("a@example.com",), "a@example.com", True),
        (("a@example.com",), "A@EXAMPLE.com", True),
        (("*@example.com",), "anyone@example.com", True),
        (("*",), "anyone@anywhere.example", True),
        (("a@example.com",), "b@example.com", False),
        (("*@example.com",), "a@sub.example.com", False),
        (("*@example.com",), "a@badexample.com", False),
        (("*@bücher.example",), "a@xn--bcher-kva.example", True),
        ((), "a@example.com", False),
    ],
)
def test_mail_goes_to_granted_recipients_only(recipients: tuple[str, ...], to: str, granted: bool) -> None:
    if granted:
        assert len(written(recipients, to=to).recipients) == 1
        return
    with pytest.raises(Denied) as caught:
        written(recipients, to="a@example.com" if not recipients else to)
    assert caught.value.where == "step/with/to"
    assert "recipients" in caught.value.hint


def test_somebody_must_have_sent_it() -> None:
    assert written(**{"from": None, "username": "u@example.com"}).sender == "u@example.com"
    with pytest.raises(BadParameter) as caught:
        written(**{"from": None, "username": "just a name"})
    assert caught.value.hint == "add `from`"
