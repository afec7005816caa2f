"""What the authors of the day write."""

from __future__ import annotations

CANARY = "canary"
"""Part of every secret of the day, and of nothing else."""

LETTERS = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: letters}
spec:
  version: VERSION
  title: TITLE
  secrets: [token]
  input:
    number: {type: integer, required: true}
    text: {type: text, required: true, sensitive: true}
  models:
    letter:
      fields:
        number: {type: integer, required: true}
        text: {type: text, encrypted: true}
        topic: {type: enum, values: [bug, sales, other], required: true, default: other}
FIELDS
    stroke:
      fields:
        letter: {type: reference, model: letter, on_delete: cascade, required: true}
        side: {type: string, required: true}
  output: {model: letter, from: save}
  tools:
    - {name: llm_processor, models: [llama3.2]}
    - {name: keyword_classifier}
    - {name: database_writer, models: [letter, stroke]}
  pipeline:
    - id: ask
      tool: llm_processor
      with:
        model: llama3.2
        prompt: Which topic has this letter?
        content: "{{ input.text }}"
        output: {topic: {type: enum, values: [bug, sales, other], required: true}}
      timeout: 1s
      retry: {attempts: 2, backoff: 50ms, on: [timeout, unavailable, overloaded, truncated, invalid_output]}
      fallback:
        tool: keyword_classifier
        with: {text: "{{ input.text }}", rules: {bug: [crash], sales: [price]}, default: other}
    - id: save
      tool: database_writer
      with:
        model: letter
        mode: insert
        values:
          number: "{{ input.number }}"
          text: "{{ input.text }}"
          topic: "{{ steps.ask.topic | default(steps.ask.label) | default('other') }}"
    - id: stroke
      tool: database_writer
      with: {model: stroke, mode: insert, values: {letter: "{{ steps.save.id }}", side: left}}
  tests:
    - name: a letter is kept
      input: {number: 1, text: A crash}
      mocks: {ask: {topic: bug}}
      expect: {output: {topic: bug}, rows: {letter: 1, stroke: 1}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: clerk}
spec:
  type: letters
  secrets: {token: {env: LETTERS_TOKEN}}
"""

SIDE = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: NAME}
spec:
  version: VERSION
  title: TITLE
  models: {row: {fields: {text: text}}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: NAME-agent}
spec: {type: NAME}
"""


def letters(minor: int, patch: int) -> str:
    """The type of the day's tasks with so many optional fields added to it, and its agent `clerk`."""
    fields = "\n".join(f"        extra_{number}: string" for number in range(minor))
    text = LETTERS.replace("VERSION", f"1.{minor}.{patch}").replace("TITLE", f"Letters, edition {patch}")
    return text.replace("FIELDS\n", f"{fields}\n" if fields else "")


def side(name: str, patch: int) -> str:
    """A type beside it that nobody's tasks need, and its agent."""
    text = SIDE.replace("NAME", name).replace("VERSION", f"1.0.{patch}")
    return text.replace("TITLE", f"Edition {patch} of {name}")
