"""Tools by name: the built-in ones, and those that installed packages bring."""

from __future__ import annotations

from functools import cache

from reconciler.errors import UsageError
from reconciler.tools.base import ToolDeclaration

ENTRY_POINTS = "reconciler.tools"
"""Group of entry points, each named as its tool and leading to a ToolDeclaration."""


class ToolRegistry:
    """A package's tool is imported when its name is first asked for: importing runs foreign code."""

    def __init__(self, declarations: tuple[ToolDeclaration, ...] = (), *, entry_points: bool = False) -> None:
        self._tools: dict[str, ToolDeclaration] = {}
        self._broken: dict[str, str] = {}
        self._entry_points = entry_points
        for declaration in declarations:
            self.register(declaration)

    def register(self, declaration: ToolDeclaration) -> None:
        """Raises UsageError where the name is taken: a tool never replaces another one."""
        if declaration.name in self._tools:
            raise UsageError(f"there is a tool `{declaration.name}` already", hint="choose another name")
        self._tools[declaration.name] = declaration

    def get(self, name: str) -> ToolDeclaration | None:
        """The tool; None if there is none, or if its package cannot be loaded (`problem` says why)."""
        found = self._tools.get(name)
        if found is None and self._entry_points and name not in self._broken:
            found = self._load(name)
        return found

    def names(self) -> frozenset[str]:
        """Every name that can be asked for, whether its package has been imported or not."""
        return frozenset(self._tools) | self._installed()

    def problem(self, name: str) -> str:
        """Why a tool that an installed package names could not be loaded; empty if nothing went wrong."""
        return self._broken.get(name, "")

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
        try:
            found = points[0].load()
        except Exception as error:
            # Foreign code runs here: whatever it raises must not take the other manifests with it.
            self._broken[name] = f"{points[0].value} cannot be loaded: {type(error).__name__}: {error}"
            return None
        if not isinstance(found, ToolDeclaration) or found.name != name:
            self._broken[name] = f"{points[0].value} is no ToolDeclaration named `{name}`"
            return None
        self._tools[name] = found
        return found


@cache
def builtin_registry() -> ToolRegistry:
    """The built-in tools, and behind them what installed packages bring."""
    from reconciler.tools.declarations import BUILTIN_TOOLS

    return ToolRegistry(BUILTIN_TOOLS, entry_points=True)
