"""Static agents: ordinary Python classes on BaseAgent that installed packages bring."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from reconciler.agents.base import BaseAgent
from reconciler.errors import NotFound, ReconcilerError
from reconciler.spec.findings import did_you_mean

if TYPE_CHECKING:
    from reconciler.spec.agent_type import AgentType
    from reconciler.tools.registry import ToolRegistry

ENTRY_POINTS = "reconciler.agents"
"""Group of entry points, each named as its agent and leading to a class on BaseAgent."""


class StaticAgents:
    """By name. A package's agent is imported when its name is first asked for: importing runs foreign code, and
    whatever that raises concerns only the one who asked."""

    def __init__(self, *classes: type[BaseAgent], entry_points: bool = False) -> None:
        self._classes: dict[str, type[BaseAgent]] = {found.name: found for found in classes}
        self._broken: dict[str, str] = {}
        self._entry_points = entry_points
        self._lock = Lock()

    def names(self) -> frozenset[str]:
        """Every name that can be asked for, whether its package has been imported or not."""
        return frozenset(self._classes) | self._installed()

    def problem(self, name: str) -> str:
        """Why an agent that an installed package names cannot be used; empty if nothing is wrong with it."""
        try:
            self.declared(name)
        except ReconcilerError as error:
            return error.message
        return ""

    def declared(self, name: str) -> AgentType:
        """What the class says of itself, as a type without tables and pipeline. Raises NotFound; UsageError where it
        says what no type can be."""
        from reconciler.agents.static_type import declared_type

        return declared_type(self._class(name))

    def bound(self, name: str, registry: ToolRegistry) -> BaseAgent:
        """The agent within what its class declares, its tools loaded. Raises NotFound, UsageError."""
        from reconciler.agents.static_agent import StaticAgent
        from reconciler.agents.static_type import declared_type

        found = self._class(name)
        return StaticAgent(found(), declared_type(found), registry)

    def _class(self, name: str) -> type[BaseAgent]:
        with self._lock:
            if name not in self._classes and name not in self._broken and name in self._installed():
                self._load(name)
            found, broken = self._classes.get(name), self._broken.get(name)
        if found is not None:
            return found
        if broken is not None:
            raise NotFound(f"static agent {name} is broken: {broken}", hint="mend or remove the package")
        raise NotFound(f"there is no static agent {name}", hint=did_you_mean(name, self.names()))

    def _installed(self) -> frozenset[str]:
        if not self._entry_points:
            return frozenset()
        from importlib.metadata import entry_points

        return frozenset(point.name for point in entry_points(group=ENTRY_POINTS))

    def _load(self, name: str) -> None:
        from importlib.metadata import entry_points

        points = tuple(entry_points(group=ENTRY_POINTS, name=name))
        if len(points) != 1:
            self._broken[name] = "two installed packages bring an agent of this name"
            return
        try:
            found = points[0].load()
        except Exception as error:
            self._broken[name] = f"{points[0].value} cannot be loaded: {type(error).__name__}: {error}"
            return
        if not (isinstance(found, type) and issubclass(found, BaseAgent)):
            self._broken[name] = f"{points[0].value} is no class on BaseAgent"
        elif getattr(found, "name", None) != name:
            self._broken[name] = f"{points[0].value} is not named `{name}`, as its entry point is"
        else:
            self._classes[name] = found


@cache
def installed_agents() -> StaticAgents:
    """What installed packages bring."""
    return StaticAgents(entry_points=True)
