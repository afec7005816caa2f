"""An API over an empty folder, and one with something in it, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import Api, seed, serving

ON_BOTH = (
    "test_rows_",
    "test_pages_",
    "test_all_rows_",
    "test_a_task_",
    "test_a_type_",
    "test_a_replayed_",
    "test_two_",
)
"""Beginnings of tests whose answers come out of the database: they are run on PostgreSQL as well."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"api", "seeded"} & {*metafunc.fixturenames}:
        both = metafunc.function.__name__.startswith(ON_BOTH)
        postgres = [pytest.param("postgresql", marks=pytest.mark.postgres)] if both else []
        metafunc.parametrize("kind", ["sqlite", *postgres], indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def api(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> Iterator[Api]:
    database = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    with serving(tmp_path, database=database) as made:
        yield made


@pytest.fixture
def seeded(api: Api) -> Api:
    """With the type `notes`, its agent `my-notes` and three rows."""
    seed(api)
    return api
