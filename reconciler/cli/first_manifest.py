"""The manifest that `reconcile init` writes: as small as it can be and still do something."""

from __future__ import annotations

FILE_NAME = "notes.yaml"

_TEXT = """\
# yaml-language-server: $schema=../.reconciler/schema.json
# The line above gives editors completion, once `reconcile schema --out .reconciler/schema.json` has run.
#
# A type says what its agents take in, which tables they have, which tools they may use and what they do.
apiVersion: reconciler/v1
kind: AgentType
metadata:
  name: notes
spec:
  version: 1.0.0
  title: Notes
  description: Sorts short notes by what they are about, without a language model.
  input:
    text: {type: text, max_length: 10000, required: true}
  models:
    note:
      fields:
        text: {type: text, required: true}
        topic: {type: enum, values: [idea, task, other], required: true, index: true}
  output: {model: note, from: save}
  tools:
    - {name: keyword_classifier}
    - {name: database_writer, models: [note]}
  pipeline:
    - id: sort
      tool: keyword_classifier
      with:
        text: "{{ input.text }}"
        rules: {task: [todo, must, deadline], idea: [what if, maybe, could]}
        default: other
    - id: save
      tool: database_writer
      with:
        model: note
        mode: insert
        values: {text: "{{ input.text }}", topic: "{{ steps.sort.category }}"}
  tests:
    - name: a deadline makes a task
      input: {text: The deadline is on Friday}
      expect: {rows: {note: 1}, called: [sort, save]}
---
# An agent is a type put to work.
apiVersion: reconciler/v1
kind: Agent
metadata:
  name: my-notes
spec:
  type: notes
"""


def first_manifest() -> str:
    return _TEXT
