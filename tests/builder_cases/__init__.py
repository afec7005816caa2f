"""Conversations with the builder, each with what the manifest must have that it ends in.

*.yaml             the conversations
conversation.py    one of them led to its end, and judged
listeners.py       scripted language models: good, mediocre, broken
report.py          shares reached and turns needed
__main__.py        `python -m tests.builder_cases [--ollama URL --model NAME] [CASE...]`
"""
