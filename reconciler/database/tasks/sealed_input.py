"""Sensitive inputs of tasks while they wait: sealed where there is a key, so that the queue holds nothing in the clear.

A sealed value is `{"$sealed": BASE64}`, bound to its task and its name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from reconciler.database.json_text import from_json, to_json
from reconciler.database.rows.cipher import NO_KEY, Cipher, Place
from reconciler.database.storable import UnfitValue
from reconciler.database.tasks.identity import new_task_id
from reconciler.database.tasks.records import NewTask
from reconciler.spec.fields import FieldSpec
from reconciler.spec.task import Task

if TYPE_CHECKING:
    from reconciler.database.encryption import Keyring

MARK = "$sealed"


def sealed_input(task: NewTask, fields: Mapping[str, FieldSpec], cipher: Cipher) -> NewTask:
    """The task with an id, and with its sensitive inputs sealed for it."""
    sensitive = [
        name for name, field in fields.items() if field.sensitive and task.input.get(name) is not None
    ]
    if cipher is NO_KEY or not sensitive:
        return task
    id_ = task.id or new_task_id()
    sealed = {
        name: _sealed(to_json(task.input[name]).encode(), cipher, place_of(id_, name)) for name in sensitive
    }
    return replace(task, id=id_, input={**task.input, **sealed})


def opened_task(task: Task, cipher: Cipher) -> Task:
    """The inverse. Raises UnfitValue where there is no key, or not the one."""
    sealed = {name: value for name, value in task.input.items() if is_sealed(value)}
    if not sealed:
        return task
    opened = {
        name: from_json(cipher.decrypt(_bytes(value), place_of(task.id, name)).decode())
        for name, value in sealed.items()
    }
    return replace(task, input={**task.input, **opened})


def resealed_input(task_id: str, given: Mapping[str, Any], keyring: Keyring) -> dict[str, Any] | None:
    """The input with every sealed value under the newest key; None where all are so already. Raises UnfitValue."""
    renewed = {
        name: {MARK: base64.b64encode(again).decode()}
        for name, value in given.items()
        if is_sealed(value)
        and (again := keyring.resealed(_bytes(value), place_of(task_id, name))) is not None
    }
    return {**given, **renewed} if renewed else None


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {MARK} and isinstance(value[MARK], str)


def place_of(task_id: str, name: str) -> Place:
    return Place("tasks", name, UUID(task_id).int)


def _sealed(plain: bytes, cipher: Cipher, place: Place) -> dict[str, str]:
    return {MARK: base64.b64encode(cipher.encrypt(plain, place)).decode()}


def _bytes(value: Mapping[str, str]) -> bytes:
    try:
        return base64.b64decode(value[MARK], validate=True)
    except binascii.Error:
        raise UnfitValue("an input is not sealed as this program seals") from None
