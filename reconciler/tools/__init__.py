"""What steps call.

    base.py          what a tool declares: parameters, result, effect, static check
    declarations/    the built-in tools, declared
    registry.py      names -> declarations and tools; third parties come in by entry point
    tool.py          Tool, what third parties subclass, and what surrounds a call
    guard.py         what every call passes; `call_parameters` is its first part
    host.py          the door to what a task's own process may not have
    rows.py          TaskRows: the type's tables as one task sees them
    egress.py        the way out into the network; `addresses` says which are public

Each built-in tool is a module of its name. Behind `llm_processor` stands `answer_form`, behind `http_request` the
modules `http_*`, behind `email_connector` the package `mail`.

A declaration says all that can be checked before anything runs, and imports no implementation. What does not belong:
YAML and pipelines.
"""
