"""Fixtures of all tests: empty databases of both dialects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.ollama_server import OllamaServer
    from tests.postgres_server import Databases


# How long an example takes says more of the machine than of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

LONG = pytest.mark.skip(reason="a long walk: ask for it with -m slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = "slow" in config.option.markexpr or bool(os.environ.get("RECONCILER_SLOW_TESTS"))
    for item in items:
        if not wanted and item.get_closest_marker("slow"):
            item.add_marker(LONG)
        if "new_postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Databases]:
    """Skips where there is no PostgreSQL and says why. In CI it fails, lest half the tests vanish unseen."""
    from tests.postgres_server import Databases, NoServerError, running

    with ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except NoServerError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        databases = Databases(server)
        stack.callback(databases.drop)
        yield databases


@pytest.fixture
def new_postgres(postgres_databases: Databases) -> Iterator[Callable[[], str]]:
    """Each call gives the URL of another empty PostgreSQL database."""
    taken: list[str] = []

    def take() -> str:
        taken.append(postgres_databases.take())
        return taken[-1]

    yield take
    for url in taken:
        postgres_databases.give_back(url)


@pytest.fixture
def new_sqlite(tmp_path: Path) -> Callable[[], str]:
    """Each call gives the URL of another SQLite file, which does not exist yet."""
    numbers = count()
    return lambda: f"sqlite:///{tmp_path}/database{next(numbers)}.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Runs the test on either dialect."""
    return str(request.param)


@pytest.fixture
def new_database(dialect: str, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Each call gives the URL of another empty database of the test's dialect."""
    factory: Callable[[], str] = request.getfixturevalue(
        "new_sqlite" if dialect == "sqlite" else "new_postgres"
    )
    return factory


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """The URL of an empty database, fresh for each test, once for each dialect."""
    return new_database()


@pytest.fixture
def sqlite_url(new_sqlite: Callable[[], str]) -> str:
    return new_sqlite()


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    return new_postgres()


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    """A fake Ollama server of its own for each test; it has the model `llama3.2`."""
    from tests.ollama_server import OllamaServer

    with OllamaServer() as server:
        yield server
