"""What a template is: slots, and a function from their values to documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.builder.slots import SlotSpec, Values
from reconciler.errors import ReconcilerError, UsageError

Document = dict[str, Any]
Compose = Callable[[Values], list[Document]]


@dataclass(frozen=True, slots=True)
class Template:
    """`compose` gets a value for every slot that is needed or has a default and gives plain documents, the agent type
    first. `cues` are words (lower case; English, German, French) by which a wish is known to be one for this template;
    a `*` at the end stands for any ending. `tool_slots` names the slot to ask about where a tool is not allowed.
    """

    name: str
    title: str
    description: str
    cues: tuple[str, ...]
    slots: tuple[SlotSpec, ...]
    compose: Compose
    example: str = ""
    tool_slots: Mapping[str, str] | None = None

    def documents(self, values: Values) -> list[Document]:
        """What `compose` makes of the values. Raises UsageError, also for any other failure of it: templates are code
        of others, too."""
        try:
            return self.compose(values)
        except ReconcilerError:
            raise
        except Exception as error:
            raise UsageError(
                f"the template {self.name} fails: {type(error).__name__}: {error}",
                hint="update or remove the package that brings it, or answer differently",
            ) from error

    def slot(self, name: str) -> SlotSpec | None:
        return next((spec for spec in self.slots if spec.name == name), None)
