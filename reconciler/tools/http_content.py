"""What an answer's body means: text in its character set, JSON, or bytes."""

from __future__ import annotations

import base64
import codecs
import json
import math
import re
from email.message import Message
from typing import Any

from reconciler.errors import InvalidOutput
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.fields import declared_fields
from reconciler.tools.http_address import HttpAddress
from reconciler.tools.http_exchange import HttpAnswer

_TEXTUAL = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|javascript|x-www-form-urlencoded|yaml)|image/svg\+xml"
)
_JSON = re.compile(r"(application|text)/(.+\+)?json")
_CODECS = re.compile(
    r"ascii|utf-(8|16|32).*|iso8859.*|iso2022.*|cp\d+|koi8.*|gb.*|big5.*|shift_jis.*|euc_.*|mac-.*"
)
"""Character sets. Python knows codecs by the same names that are none, and some that take more than linear time."""

_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(answer: HttpAnswer, address: HttpAddress, output: Any) -> dict[str, Any]:
    """The result of `http_request`. Raises InvalidOutput where the JSON is not what `output` declares."""
    kind, charset = _content_type(answer.headers.get("content-type", ""))
    text = _text(answer.body, kind, charset)
    result: dict[str, Any] = {"status": answer.status, "headers": dict(answer.headers), "body": text or ""}
    if text is None:
        result["base64"] = base64.b64encode(answer.body).decode()
    if output is not None:
        result["json"] = _validated(text or "", answer, address, output)
    elif text and _JSON.fullmatch(kind):
        result["json"] = parsed_json(text)
    return {"json": None, "base64": None, **result}


def parsed_json(text: str) -> Any:
    """The value; None for a text that is no JSON, or none that can be written again."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if "\\ud" in text.lower():  # half a surrogate pair is a text that can neither be stored nor sent
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _validated(text: str, answer: HttpAnswer, address: HttpAddress, output: Any) -> dict[str, Any]:
    """The declared fields of the answer, and of them alone: what an address says besides is of no interest."""
    fields = declared_fields(output) or {}
    place = f"the answer of `{address.origin}` (status {answer.status})"
    value = parsed_json(text)
    if not isinstance(value, dict):
        raise InvalidOutput(f"{place} is no JSON object")
    try:
        given = {name: value[name] for name in fields if name in value}
        return validator_of(fields).complete(given)
    except ValuesInvalid as error:
        raise InvalidOutput(f"{place} is not what was asked for: {error.message}", hint=error.hint) from error


def _content_type(header: str) -> tuple[str, str]:
    """Kind and character set, in lower case; empty where it does not say."""
    message = Message()
    message["content-type"] = header or "application/octet-stream"
    charset = message.get_param("charset", "")
    kind = message.get_content_type() if header else ""
    return kind, charset.lower() if isinstance(charset, str) else ""


def _text(body: bytes, kind: str, charset: str) -> str | None:
    """The body as text; None where it is none."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body.decode(codec, errors="replace")
    found = (
        _META.search(body, 0, 2048)
        if kind in ("text/html", "application/xhtml+xml") and not charset
        else None
    )
    declared = found[1].decode() if found else charset
    if declared and _is_charset(declared):
        return body.decode(declared, errors="replace")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace") if _TEXTUAL.fullmatch(kind) else None
    return None if "\0" in text and not _TEXTUAL.fullmatch(kind) else text


def _is_charset(name: str) -> bool:
    try:
        return _CODECS.fullmatch(codecs.lookup(name).name) is not None
    except LookupError:
        return False


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number too large")
    return number
