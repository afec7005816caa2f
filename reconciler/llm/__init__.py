"""Language models: a provider protocol, its in-memory twin, and Ollama behind it.

    provider.py   what is asked and answered; the protocol
    memory.py     the twin that answers from a script, for tests and rehearsals
    ollama.py     Ollama, through its own client
    faults.py     every fault of it as one of our errors
    grammar.py    what of a JSON Schema reaches the model
    wire.py       connections that keep to one deadline

What does not belong: prompts, tools, pipelines. A provider knows messages, schemas and tokens.
"""
