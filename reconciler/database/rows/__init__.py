"""The rows that agents write and people read.

    live_models.py   types as they are live -> model.py, one model's table; storage.py, its values
    host.py          DatabaseHost: what a running task may ask for; ids.py, ids for rows yet to be written
    effects.py       what tasks want written, written; prepared.py, as statements; refusals.py, when it cannot be
    queries.py       rows found, sorted, cut into pages: conditions, searching, paging; summaries.py counts them up
    targets.py       whose rows are meant; spoken.py, conditions as people write them
    export.py        rows as JSON Lines and CSV; transfer.py, from one database to another
    cipher.py        the port behind which encrypted values are sealed

What belongs here: values of models on their way into tables and out of them. What does not: which task wrote them when
(`database.tasks`), and what the tables look like (`database.operations`).
"""
