"""Tools by name: the built-in ones, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from reconciler.errors import UsageError
from reconciler.spec.findings import did_you_mean
from reconciler.tools.base import Capability, EffectClass, ToolDeclaration
from reconciler.tools.soundness import declaration_problem

if TYPE_CHECKING:
    from reconciler.tools.tool import Tool

ENTRY_POINTS = "reconciler.tools"
"""Group of entry points, each named as its tool and leading to a Tool class, or to a ToolDeclaration."""


class ToolRegistry:
    """Plan time asks for declarations (`get`), run time for the tools themselves (`tool`).

    A package's tool is imported when its name is first asked for, and an implementation when it is first used:
    importing runs foreign code and takes time.
    """

    def __init__(self, declarations: Iterable[ToolDeclaration] = (), *, entry_points: bool = False) -> None:
        """A tool comes behind those it depends on. `entry_points`: what installed packages bring is there as well."""
        self._declared: dict[str, ToolDeclaration] = {}
        self._classes: dict[str, type[Tool]] = {}
        self._tools: dict[str, Tool] = {}
        self._broken: dict[str, str] = {}
        self._entry_points = entry_points
        for declaration in declarations:
            self.register(declaration)

    def register(self, brought: ToolDeclaration | type[Tool]) -> None:
        """Raises UsageError where the name is taken (a tool never replaces another one), where the declaration makes
        no sense, or where what it needs is not there."""
        declaration = _declaration_of(brought)
        if declaration is None:
            raise UsageError(f"{brought!r} is no Tool and no ToolDeclaration")
        if declaration.name in self._declared:
            raise UsageError(f"there is a tool `{declaration.name}` already", hint="choose another name")
        if problem := declaration_problem(declaration) or self._missing(declaration):
            raise UsageError(f"the tool `{declaration.name}` cannot be registered: {problem}")
        self._add(declaration, brought)

    def get(self, name: str) -> ToolDeclaration | None:
        """The declaration; None if there is none, or if its package cannot be loaded (`problem` says why)."""
        found = self._declared.get(name)
        if found is None and self._entry_points and name not in self._broken:
            found = self._load(name)
        return found

    def tool(self, name: str) -> Tool:
        """The tool itself, made once. Raises UsageError."""
        return self._tools.get(name) or self._make(name)

    def names(self) -> frozenset[str]:
        """Every name that can be asked for, whether its package has been imported or not."""
        return frozenset(self._declared) | self._installed()

    def find(
        self, *, capability: Capability | None = None, effect: EffectClass | None = None
    ) -> list[ToolDeclaration]:
        """The tools that can reach something, or have an effect of a class, by name. Without either: all."""
        declarations = (self.get(name) for name in sorted(self.names()))
        return [
            declaration
            for declaration in declarations
            if declaration is not None
            and (capability is None or capability in declaration.capabilities)
            and (effect is None or declaration.effect is effect)
        ]

    def problem(self, name: str) -> str:
        """Why a tool that an installed package names could not be loaded; empty if nothing went wrong."""
        return self._broken.get(name, "")

    def check(self) -> list[str]:
        """What is wrong with any of the tools, a sentence each. Imports all of them."""
        return [problem for name in sorted(self.names()) if (problem := self._problem_of(name))]

    def _problem_of(self, name: str) -> str:
        if self.get(name) is None:
            return f"`{name}`: {self.problem(name)}"
        try:
            self.tool(name)
        except UsageError as error:
            return error.message
        return ""

    def _add(self, declaration: ToolDeclaration, brought: ToolDeclaration | type[Tool]) -> None:
        self._declared[declaration.name] = declaration
        if not isinstance(brought, ToolDeclaration):
            self._classes[declaration.name] = brought

    def _missing(self, declaration: ToolDeclaration) -> str:
        """What a tool needs and is not there; empty if all is."""
        for module in declaration.requires:
            if not _is_installed(module):
                return f"it needs the package `{module}`, which is not installed"
        for name in declaration.depends_on:
            if self.get(name) is None:
                return f"it depends on the tool `{name}`: {self.problem(name) or 'there is none'}"
        return ""

    def _make(self, name: str) -> Tool:
        declaration = self.get(name)
        if declaration is None:
            hint = self.problem(name) or did_you_mean(name, self.names())
            raise UsageError(f"there is no tool `{name}`", hint=hint)
        dependencies = {other: self.tool(other) for other in declaration.depends_on}
        implementation = self._classes.get(name) or _implementation(declaration)
        try:
            tool = implementation()
        except Exception as error:
            raise UsageError(f"the tool `{name}` cannot be made: {type(error).__name__}: {error}") from error
        tool.dependencies = dependencies
        return self._tools.setdefault(name, tool)

    def _installed(self) -> frozenset[str]:
        if not self._entry_points:
            return frozenset()
        from importlib.metadata import entry_points

        return frozenset(point.name for point in entry_points(group=ENTRY_POINTS))

    def _load(self, name: str) -> ToolDeclaration | None:
        from importlib.metadata import entry_points

        points = tuple(entry_points(group=ENTRY_POINTS, name=name))
        if len(points) != 1:
            self._broken[name] = "two installed packages bring a tool of this name" if points else ""
            return None
        place = points[0].value
        try:
            brought = points[0].load()
        except Exception as error:
            # Foreign code runs here: whatever it raises must not take the other manifests with it.
            self._broken[name] = f"{place} cannot be loaded: {type(error).__name__}: {error}"
            return None
        declaration = _declaration_of(brought)
        self._broken[name] = (
            "it depends on itself"  # what is said should loading those it depends on lead back here
        )
        if declaration is None or declaration.name != name:
            self._broken[name] = f"{place} is no Tool and no ToolDeclaration named `{name}`"
        elif problem := declaration_problem(declaration) or self._missing(declaration):
            self._broken[name] = f"{place} cannot be registered: {problem}"
        else:
            del self._broken[name]
            self._add(declaration, brought)
            return declaration
        return None


def _declaration_of(brought: Any) -> ToolDeclaration | None:
    """What a class or a declaration declares; None for anything else."""
    if isinstance(brought, ToolDeclaration):
        return brought
    from reconciler.tools.tool import Tool

    if isinstance(brought, type) and issubclass(brought, Tool):
        declared = getattr(brought, "declaration", None)
        return declared if isinstance(declared, ToolDeclaration) else None
    return None


def _implementation(declaration: ToolDeclaration) -> type[Tool]:
    """Raises UsageError where the place that a declaration names holds no such tool."""
    module, _, name = declaration.implementation.partition(":")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:
        message = f"the tool `{declaration.name}` cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(message) from error
    if _declaration_of(found) is None or found.declaration.name != declaration.name:
        place = declaration.implementation
        raise UsageError(f"the tool `{declaration.name}` cannot be loaded: {place} is no Tool of that name")
    return cast("type[Tool]", found)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@cache
def builtin_registry() -> ToolRegistry:
    """The built-in tools, and behind them what installed packages bring."""
    from reconciler.tools.declarations import BUILTIN_TOOLS

    return ToolRegistry(BUILTIN_TOOLS, entry_points=True)
