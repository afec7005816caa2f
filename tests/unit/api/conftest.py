"""An API over an empty folder, and one with something in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import Api, seed, serving


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def seeded(api: Api) -> Api:
    """With the type `notes`, its agent `my-notes` and three rows."""
    seed(api)
    return api
