"""A plan as people and programs read it: terminal text, JSON, a pull request's comment, annotations.

Pure: a plan goes in, text or dictionaries come out. Nothing here writes to a stream or knows a terminal,
and nothing here shows the value of a field declared `sensitive` or `encrypted`.
"""
