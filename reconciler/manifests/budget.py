"""How much one file may hold. Apart from `construct`: counting is decided before a parser is needed."""

from __future__ import annotations

MAX_NODES = 50_000
"""Scalars and collections of one file. All that is done with them afterwards stays under a second."""


class Budget:
    """How many nodes the documents of a file may still have."""

    def __init__(self, nodes: int = MAX_NODES) -> None:
        self.nodes = nodes
