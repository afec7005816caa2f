"""Execution: tasks and the processes that run them.

What does not belong: SQL (`database.tasks`) and what an agent does (`agents`, `pipeline`).
"""
