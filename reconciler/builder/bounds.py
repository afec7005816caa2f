"""Limits of a draft, brought down to what policies allow. Nothing here ever raises one."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.builder.templates.template import Document
from reconciler.spec.limits import Limits
from reconciler.spec.policy import Policy


def tightened(document: Document, policies: Sequence[Policy]) -> Document:
    spec = document["spec"]
    if document["kind"] != "AgentType" or not policies or "limits" not in spec:
        return document
    wanted = Limits.model_validate(spec["limits"])
    lowered = wanted
    for policy in policies:
        bounds = {name: getattr(policy.spec.limits, name) for name in Limits.model_fields}
        smaller = {
            name: bound
            for name, bound in bounds.items()
            if bound is not None and (value := getattr(lowered, name)) is not None and value > bound
        }
        lowered = lowered.model_copy(update=smaller)
    if lowered == wanted:
        return document
    limits = {**spec["limits"], **lowered.model_dump(mode="json", by_alias=True, exclude_none=True)}
    return {**document, "spec": {**spec, "limits": limits}}
