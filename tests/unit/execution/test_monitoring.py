"""Logs are one JSON object a line, or lines for people; whoever logs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from reconciler.execution.monitoring import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_each_line_is_a_document_whoever_logs() -> None:
    out = io.StringIO()
    configure_logging("json", out)
    structlog.get_logger("ours").info("task ended", task="t1", seconds=0.5)
    logging.getLogger("theirs").warning("hello %s", "you")
    try:
        raise ValueError("no")
    except ValueError:
        structlog.get_logger("ours").exception("it broke")
    ours, theirs, broken = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["task"], ours["level"], ours["logger"]) == (
        "task ended",
        "t1",
        "info",
        "ours",
    )
    assert (theirs["event"], theirs["level"]) == ("hello you", "warning")
    assert "ValueError: no" in broken["exception"]
    assert ours["at"].endswith("Z")


def test_people_get_lines() -> None:
    out = io.StringIO()
    configure_logging("console", out)
    structlog.get_logger("ours").info("task ended", task="t1")
    assert "task ended" in out.getvalue()
    assert "{" not in out.getvalue()


def test_without_a_choice_nobody_at_a_terminal_means_json() -> None:
    out = io.StringIO()
    configure_logging("", out)
    structlog.get_logger("ours").info("hello")
    assert json.loads(out.getvalue())["event"] == "hello"


def test_debugging_is_left_out() -> None:
    out = io.StringIO()
    configure_logging("json", out)
    structlog.get_logger("ours").debug("much")
    assert out.getvalue() == ""
