"""What steps call.

    base.py          what a tool declares: parameters, result, effect, static check
    declarations/    the built-in tools, declared
    registry.py      names -> declarations and tools; third parties come in by entry point
    tool.py          Tool, what third parties subclass, and what surrounds a call
    guard.py         what every call passes
    host.py          the door to what a task's own process may not have
    egress.py        the way out into the network

A declaration says all that can be checked before anything runs, and imports no implementation. What does not belong:
YAML and pipelines.
"""
