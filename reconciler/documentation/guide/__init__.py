"""How to write an agent: the whole language, told by its own models, declarations and tables.

    models.py       the kinds and everything below them
    expressions.py  filters, tests, operators
    tools.py        the tools that steps call
    outcomes.py     exit codes, errors, hazards

Nothing here lists what is listed elsewhere: a field, filter, tool or code that comes is in the guide with it.
"""

from __future__ import annotations

from reconciler.documentation.document import Document
from reconciler.documentation.guide.expressions import expression_data, expression_lines
from reconciler.documentation.guide.models import model_data, model_lines
from reconciler.documentation.guide.outcomes import outcome_data, outcome_lines
from reconciler.documentation.guide.tools import tool_data, tool_lines
from reconciler.documentation.markdown import fence

TITLE = "How to write an agent"


def guide() -> Document:
    lines = [f"# {TITLE}", "", *_INTRODUCTION, *fence(FIRST_TYPE, "yaml"), *_STEPS]
    lines += [*model_lines(), *expression_lines(), *tool_lines(), *outcome_lines()]
    data = {
        "example": FIRST_TYPE,
        "models": model_data(),
        "expressions": expression_data(),
        "tools": tool_data(),
        **outcome_data(),
    }
    return Document(TITLE, "\n".join(lines).rstrip() + "\n", data)


_INTRODUCTION = (
    "An agent is YAML: a *type* says what it takes, does and keeps, an *agent* is one deployed instance of it, and a",
    "*policy* bounds what any type may ask for. Several documents may share a file. This is a whole one:",
    "",
)
FIRST_TYPE = """\
apiVersion: reconciler/v1
kind: AgentType
metadata:
  name: greeting
spec:
  version: 1.0.0
  title: Greeting
  description: Tells greetings from other texts, and keeps both.
  input:
    text: {type: text, required: true}
  models:
    message:
      fields:
        text: {type: text, required: true}
        label: {type: enum, values: [greeting, other], required: true}
  output: {model: message, from: save}
  tools:
    - name: keyword_classifier
    - {name: database_writer, models: [message]}
  pipeline:
    - id: label
      tool: keyword_classifier
      with:
        text: "{{ input.text }}"
        rules: {greeting: [hello, good morning]}
        default: other
    - id: save
      tool: database_writer
      with:
        model: message
        mode: insert
        values: {text: "{{ input.text }}", label: "{{ steps.label.label }}"}
  tests:
    - name: hello is a greeting
      input: {text: Hello there}
      expect: {output: {label: greeting}, rows: {message: 1}}
---
apiVersion: reconciler/v1
kind: Agent
metadata:
  name: greeter
spec:
  type: greeting
"""
_STEPS = (
    "Then, in this order:",
    "",
    "1. `reconcile validate` says what is wrong with it, with file, line and a hint.",
    "2. `reconcile test` runs its own tests: no model, no network.",
    "3. `reconcile --plan` shows what would change, `reconcile --apply` makes it so.",
    '4. `reconcile run greeter --input \'{"text": "Hello"}\'` runs it.',
    "",
)
