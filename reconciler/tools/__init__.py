"""What steps call.

    base.py          what a tool declares: parameters, result, effect, static check
    declarations/    the built-in tools, declared
    registry.py      names -> declarations; third parties come in by entry point
    patterns.py      regular expressions of the linear kind

A declaration says all that can be checked before anything runs. What does not belong: YAML and pipelines.
"""
