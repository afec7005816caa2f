"""The templates there are: the built-in ones, and those that installed packages bring."""

from __future__ import annotations

from functools import cache

from reconciler.builder.templates import (
    blank,
    change,
    document_extraction,
    email,
    knowledge_base,
    text_processing,
)
from reconciler.builder.templates.template import Template
from reconciler.errors import NotFound, UsageError
from reconciler.spec.findings import did_you_mean

ENTRY_POINTS = "reconciler.templates"
BUILTIN = (
    email.TEMPLATE,
    knowledge_base.TEMPLATE,
    text_processing.TEMPLATE,
    document_extraction.TEMPLATE,
    blank.TEMPLATE,
    change.TEMPLATE,
)


class Templates:
    """Templates by name. A built-in one cannot be replaced."""

    def __init__(self, *templates: Template) -> None:
        self._by_name: dict[str, Template] = {}
        for template in templates:
            self._by_name.setdefault(template.name, template)

    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def all(self) -> tuple[Template, ...]:
        return tuple(self._by_name.values())

    def get(self, name: str) -> Template | None:
        return self._by_name.get(name)

    def named(self, name: str) -> Template:
        """Raises NotFound."""
        found = self._by_name.get(name)
        if found is None:
            raise NotFound(f"there is no template {name}", hint=did_you_mean(name, self._by_name))
        return found


@cache
def installed_templates() -> Templates:
    """Raises UsageError for an entry point that leads to something else."""
    from importlib.metadata import entry_points

    return Templates(*BUILTIN, *(_loaded(point) for point in entry_points(group=ENTRY_POINTS)))


def _loaded(point: object) -> Template:
    from importlib.metadata import EntryPoint

    assert isinstance(point, EntryPoint)
    try:
        found = point.load()
    except Exception as error:  # code of others, which may fail in any way
        raise UsageError(
            f"the template {point.name} cannot be loaded: {error}",
            hint="update or remove the package that brings it",
        ) from error
    if not isinstance(found, Template):
        raise UsageError(f"the entry point {point.name} in {ENTRY_POINTS} leads to no Template")
    return found
