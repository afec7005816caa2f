"""Language models: a provider protocol, its in-memory twin, and Ollama behind it.

    provider.py   what is asked and answered; the protocol
    memory.py     the twin that answers from a script, for tests
    ollama.py     Ollama, through its own client, every fault of it as one of our errors

What does not belong: prompts, tools, pipelines. A provider knows messages, schemas and tokens.
"""
