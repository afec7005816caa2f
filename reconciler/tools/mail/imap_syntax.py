"""Words of IMAP (RFC 3501) made of texts of people."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import date
from itertools import groupby

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def quoted(text: str) -> str:
    r"""`a "b"` as `"a \"b\""`. Raises ValueError for line ends, which would begin another command."""
    if any(character in text for character in "\r\n\0"):
        raise ValueError("a line end in a word of IMAP")
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def mailbox_name(name: str) -> str:
    """Quoted, what is not ASCII in modified UTF-7 (`Entwürfe` as `Entw&APw-rfe`)."""
    pieces = [
        "".join(run).replace("&", "&-") if printable else _shifted("".join(run))
        for printable, run in groupby(name, key=lambda character: " " <= character <= "~")
    ]
    return quoted("".join(pieces))


def _shifted(text: str) -> str:
    packed = b64encode(text.encode("utf-16-be", "replace")).decode().rstrip("=")
    return f"&{packed.replace('/', ',')}-"


def number_set(numbers: Sequence[int]) -> str:
    """`1:3,7` for 1, 2, 3 and 7. There must be at least one."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in ranges)


def day(moment: date) -> str:
    """As a search wants it: `1-Feb-2025`, in English wherever the process runs."""
    return f"{moment.day}-{_MONTHS[moment.month - 1]}-{moment.year:04d}"
