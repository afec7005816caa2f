"""Words of IMAP made of texts of people, and what its answers say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.tools.mail.imap_answers import found_in, numbers_in, reason_of
from reconciler.tools.mail.imap_syntax import day, mailbox_name, number_set, quoted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("INBOX", '"INBOX"'),
        ("R&D", '"R&-D"'),
        ("Entwürfe", '"Entw&APw-rfe"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ('a "b" \\', r'"a \"b\" \\"'),
        ("😀", '"&2D3eAA-"'),
    ],
)
def test_names_of_mailboxes_are_written_in_modified_utf_7(name: str, expected: str) -> None:
    assert mailbox_name(name) == expected


@given(st.text(max_size=60))
def test_no_name_of_a_mailbox_is_more_than_one_word(name: str) -> None:
    word = mailbox_name(name)
    assert word.isascii()
    assert word.isprintable()
    assert '"' not in word[1:-1].replace(r"\\", "").replace(r"\"", "")


@pytest.mark.parametrize("text", ["a\r\nb", "a\n", "\0"])
def test_a_line_end_is_no_part_of_a_word(text: str) -> None:
    with pytest.raises(ValueError):
        quoted(text)


@given(st.sets(st.integers(1, 300), min_size=1))
def test_a_set_of_numbers_says_each_of_them(numbers: set[int]) -> None:
    said: set[int] = set()
    for piece in number_set([*numbers]).split(","):
        first, _, last = piece.partition(":")
        said |= {*range(int(first), int(last or first) + 1)}
    assert said == numbers


def test_days_are_english_everywhere() -> None:
    assert [day(date(2025, month, 3)) for month in (1, 5, 12)] == ["3-Jan-2025", "3-May-2025", "3-Dec-2025"]


def test_items_may_stand_on_either_side_of_a_literal() -> None:
    answer = [
        (b"1 (UID 7 FLAGS (\\Seen \\Flagged) BODY[] {2}", b"hi"),
        b")",
        (b"2 (BODY[] {2}", b"ho"),
        b" UID 8 RFC822.SIZE 99)",
        b'3 (INTERNALDATE "01-Jan-2025 00:00:00 +0000" UID 9)',
        b"4 (FLAGS ())",
        None,
    ]
    first, second, third = found_in(answer)
    assert (first.uid, first.flags, first.literal) == (7, {"\\seen", "\\flagged"}, b"hi")
    assert (second.uid, second.size, second.literal) == (8, 99, b"ho")
    assert (third.uid, third.arrived, third.literal) == (9, 1_735_689_600.0, b"")


def test_numbers_are_those_that_are_there() -> None:
    assert [*numbers_in([b"1 22 x", None, b"", b"3"])] == [1, 22, 3]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([b"[NONEXISTENT] No such mailbox"], ("NONEXISTENT", "No such mailbox")),
        ([b"[TRYCREATE x] a\x1b[31m b"], ("TRYCREATE", "a[31m b")),
        ([b"just no"], ("", "just no")),
        ([None, b"\xff"], ("", "\ufffd")),
        ([], ("", "")),
    ],
)
def test_what_a_server_says_is_told_as_one_line(answer: list[bytes], expected: tuple[str, str]) -> None:
    assert reason_of(answer) == expected
