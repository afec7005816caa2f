"""Regular expressions of the linear kind: matching any text takes time proportional to its length."""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

PATTERN_LENGTH = 500


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> SchemaValidator | str:
    """The matcher, or why there is none."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        return _reason(str(error))


def pattern_problem(pattern: str) -> str:
    """Why a text is no linear regular expression, in a few words; empty if it is one."""
    if len(pattern) > PATTERN_LENGTH:
        return f"a pattern has at most {PATTERN_LENGTH} characters"
    compiled = _compiled(pattern)
    return compiled if isinstance(compiled, str) else ""


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern occurs anywhere in the text; True if the pattern is broken."""
    compiled = _compiled(pattern)
    if isinstance(compiled, str):
        return True
    try:
        compiled.validate_python(text)
    except ValidationError:
        return False
    return True


def _reason(message: str) -> str:
    """The engine's last line says what is wrong; the lines before it draw where."""
    last = message.strip().splitlines()[-1].strip()
    reason = last.removeprefix("error: ").removeprefix("SchemaError: ")
    return "the compiled pattern grows too large" if "size limit" in reason else reason.rstrip(".")
