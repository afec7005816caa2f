"""The console in a browser, over a server as developers have it. One walk; each test tells one thing of it.

With RECONCILER_SCREENSHOTS=DIR the pictures stay there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.dev_server import dev_server
from tests.browser import Browser

SCRIPT = Path(__file__).with_name("console_walk.mjs")


@pytest.fixture(scope="module")
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    browser = Browser(Path(request.config.cache.mkdir("browser")))  # type: ignore[union-attr]
    out = tmp_path_factory.mktemp("walk")
    with dev_server(tmp_path_factory.mktemp("served"), "--pending", "--tasks", "3", "--rows", "60") as server:
        told = browser.run(SCRIPT, base=server.base_url, key=server.key, out=str(out))
    if kept := os.environ.get("RECONCILER_SCREENSHOTS"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for picture in told["screenshots"]:
            shutil.copy(picture, kept)
    return told


def test_a_plan_with_a_hazard_is_applied_only_once_that_was_accepted(walk: dict[str, Any]) -> None:
    assert walk["facts"]["appliesUnseen"] is False


def test_an_agent_of_the_builder_is_deployed(walk: dict[str, Any]) -> None:
    assert walk["facts"]["deployed"] == "active"


def test_a_task_is_watched_until_its_end(walk: dict[str, Any]) -> None:
    *before, last = walk["facts"]["states"]
    assert last == "succeeded"
    assert before, "it was seen before it ended"
    assert walk["facts"]["steps"] == ["read", "save"]


def test_results_that_are_narrowed_are_only_those(walk: dict[str, Any]) -> None:
    assert walk["facts"]["moods"] == ["delighted"]


def test_going_back_is_a_revision_of_its_own(walk: dict[str, Any]) -> None:
    assert walk["facts"]["rolledBack"] == "/revisions/5"


def test_no_request_leaves_the_host(walk: dict[str, Any]) -> None:
    assert walk["outside"] == []


def test_nothing_goes_wrong_in_the_browser_and_nothing_offends_the_policy_of_the_page(
    walk: dict[str, Any],
) -> None:
    assert walk["errors"] == []


def test_a_reader_of_screens_meets_nothing_serious_on_any_page(walk: dict[str, Any]) -> None:
    assert walk["axe"] == []


def test_every_page_fits_a_screen_of_360_pixels(walk: dict[str, Any]) -> None:
    assert walk["overflow"] == []


def test_every_page_was_looked_at(walk: dict[str, Any]) -> None:
    assert len(walk["screenshots"]) >= 30
