"""The guide cannot fall behind the language: whatever the models, tables and declarations have is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import errors
from reconciler.cli.main import EPILOG
from reconciler.documentation.generator import agent_creation_guide
from reconciler.documentation.guide import FIRST_TYPE
from reconciler.documentation.guide.models import UNSAID, model_data
from reconciler.errors import RUN_ERRORS, ReconcilerError
from reconciler.expressions.filters import FILTERS
from reconciler.expressions.predicates import PREDICATES
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.json_schema import json_schema
from reconciler.manifests.load import load
from reconciler.plans.hazards import CODES
from reconciler.spec.fields import APPLIES_TO, FieldType
from reconciler.tools.declarations import BUILTIN_TOOLS

GUIDE = agent_creation_guide().markdown


def test_every_model_of_the_language_is_in_the_guide() -> None:
    schema = json_schema()
    models = {name: part for name, part in schema["$defs"].items() if "properties" in part}
    assert set(models) == set(model_data())
    for name, part in models.items():
        section = GUIDE.split(f"### {name}\n")[1].split("\n### ")[0]
        assert all(f"| `{key}` |" in section for key in part["properties"]), name


def test_every_key_has_a_meaning() -> None:
    missing = [
        f"{name}.{key}"
        for name, model in model_data().items()
        for key, field in model["fields"].items()
        if not field["meaning"]
    ]
    assert missing == []


def test_what_the_guide_adds_belongs_to_keys_that_there_are() -> None:
    known = {f"{name}.{key}" for name, model in model_data().items() for key in model["fields"]}
    assert set(UNSAID) <= known


@pytest.mark.parametrize(
    "words",
    [
        [kind.value for kind in FieldType],
        list(APPLIES_TO),
        list(CODES),
        list(RUN_ERRORS),
        [tool.name for tool in BUILTIN_TOOLS],
        [parameter for tool in BUILTIN_TOOLS for parameter in tool.parameters],
    ],
    ids=["types", "attributes", "hazards", "failures", "tools", "parameters"],
)
def test_every_word_of_the_language_is_in_the_guide(words: list[str]) -> None:
    assert [word for word in words if f"`{word}`" not in GUIDE and f"### {word}\n" not in GUIDE] == []


def test_every_filter_and_test_is_in_the_guide() -> None:
    assert all(f"| `{name}` |" in GUIDE or f"| `{name}(" in GUIDE for name in FILTERS)
    assert all(f"`is {name}" in GUIDE for name in PREDICATES)


def test_every_error_is_told_with_its_exit_code_and_status() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, ReconcilerError) and kind is not ReconcilerError:
            assert f"`{kind.code}`" in GUIDE, name
            assert f"\n   {kind.exit_status:2}" in EPILOG, name


def test_the_type_that_it_begins_with_is_sound(tmp_path: Path) -> None:
    (tmp_path / "greeting.yaml").write_text(FIRST_TYPE)
    loaded = load(DirectorySource(str(tmp_path)), None)
    assert [str(problem) for problem in loaded.problems] == []
