"""YAML -> DesiredState: sources, hardened reading, compiling one document, linking them all.

Nothing here knows a database. A broken manifest never hides a good one: problems are returned, not raised.
"""
