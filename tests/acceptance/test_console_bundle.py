"""The console that is served is the one whose sources are here, and it is small."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.console_bundle import BUNDLE, CONSOLE, built, complaints, contents, prepared

FIRST_LOAD = 200_000
"""Bytes, packed, that a browser loads before the console is there."""


@pytest.fixture(scope="module")
def sources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = Path(request.config.cache.mkdir("console"))  # type: ignore[union-attr]
    return prepared(tmp_path_factory.mktemp("console"), cache)


def test_the_sources_compile_in_strict_typescript(sources: Path) -> None:
    assert complaints(sources) == ""


def test_the_bundle_is_what_its_sources_are_built_to_byte_for_byte(sources: Path) -> None:
    assert contents(built(sources)) == contents(BUNDLE), "build it anew: python -m tests.console_bundle"


def test_a_first_load_is_small() -> None:
    packed = {
        file.name: len(gzip.compress(file.read_bytes())) for file in BUNDLE.rglob("*") if file.is_file()
    }
    assert sum(packed.values()) < FIRST_LOAD, packed


def test_the_bundle_names_no_other_host_and_has_no_code_or_style_in_its_page() -> None:
    page = (BUNDLE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    for file in BUNDLE.rglob("*.css"):
        assert re.findall(r"url\(\s*['\"]?https?:|@import", file.read_text()) == []


def test_every_version_that_the_console_is_built_with_is_exact() -> None:
    import json

    declared = json.loads((CONSOLE / "package.json").read_text())
    versions = {**declared["dependencies"], **declared["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values()), versions
    assert "resolved" not in (CONSOLE / "package-lock.json").read_text(), "a lock file names no registry"
