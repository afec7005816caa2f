"""Reconciling: make a plan, apply it, undo it, tell what was done.

Everything that decides *when* and *whether* something happens is here; what a change is stands in `plans`,
how a database carries it out in `database`.
"""
