"""The rows that agents write and people read.

What belongs here: values of models on their way into tables and out of them. What does not: which task wrote them when
(`database.tasks`), and what the tables look like (`database.operations`).
"""
