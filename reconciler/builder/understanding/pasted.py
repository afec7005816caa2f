"""What a person says themselves, apart from what they paste.

Only their own words decide what an agent may reach. What is pasted (fenced, quoted, or visibly a document) is an example
at most: of fields, never of instructions.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCED = re.compile(
    r"```.*?(?:```|\Z)|<<<.*?(?:>>>|\Z)|<document>.*?(?:</document>|\Z)", re.DOTALL | re.IGNORECASE
)
_QUOTED = re.compile(r"^[ \t]*[>|].*$", re.MULTILINE)
_ANNOUNCED = re.compile(
    r"^(?P<before>.*?\b(?:here is|here's|this is|following|example|sample|attached|pasted|forwarded|e\.g\.)\b[^\n]*:)"
    r"[ \t]*\n(?P<document>.*)$",
    re.DOTALL | re.IGNORECASE,
)
_MAIL_HEAD = re.compile(
    r"^(?:-{2,} ?(?:forwarded|original) .*|(?:from|to|subject|date|von|an|betreff|de|objet): .+)$",
    re.IGNORECASE | re.MULTILINE,
)
_LONG = 1500
"""Characters from which on one message is no longer taken for somebody's own words throughout."""


class Parts(NamedTuple):
    """`own` is what the person says, `pasted` the documents."""

    own: str
    pasted: tuple[str, ...]


def parted(text: str) -> Parts:
    pasted: list[str] = []

    def take(match: re.Match[str]) -> str:
        pasted.append(match[0])
        return "\n"

    own = _FENCED.sub(take, text)
    quoted = [match[0] for match in _QUOTED.finditer(own)]
    if quoted:
        pasted.append("\n".join(line.strip().lstrip(">|").strip() for line in quoted))
        own = _QUOTED.sub("", own)
    if announced := _ANNOUNCED.match(own):
        pasted.append(announced["document"])
        own = announced["before"]
    heads = [*_MAIL_HEAD.finditer(own)]
    if len(heads) >= 2:
        pasted.append(own[heads[0].start() :])
        own = own[: heads[0].start()]
    if len(own) > _LONG:
        cut = own.find("\n\n")
        cut = cut if 0 < cut <= _LONG else _LONG
        pasted.append(own[cut:])
        own = own[:cut]
    return Parts(own.strip(), tuple(part.strip() for part in pasted if part.strip()))
