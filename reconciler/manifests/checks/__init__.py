"""What can be said against one sound document alone: no other document, no policy and no database is asked.

    agent_type.py   everything about a type, by way of the others
    agent.py        everything about an agent
    fields.py       field specs in themselves
    models.py       tables: names, indexes, references, conditions
    grants.py       which tools may be used, and how
    pipeline.py     the steps, in the order they run, with what each can see
    calls.py        one call of a tool
    values.py       literals and expressions given to it
    output.py       what a task gives back
    secret_values.py  values that look like secrets, before anything else is said
    own_tests.py    the tests a manifest brings along

Checks yield findings at paths of the document; `reader` turns those into problems with line and column.
"""
