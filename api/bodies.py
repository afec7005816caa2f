"""Bodies that are manifests: JSON or YAML in, with the place of whatever is wrong in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from api.problems import Refusal
from reconciler.errors import ManifestsInvalid, UsageError

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
BODY = "body"
"""What problems call the file that a request's body is."""
EXAMPLES: dict[str, dict[str, Any]] = {
    "AgentType": {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": "notes"},
        "spec": {
            "version": "1.0.0",
            "input": {"text": {"type": "text", "required": True}},
            "models": {"note": {"fields": {"text": {"type": "text", "required": True}}}},
            "output": {"model": "note", "from": "save"},
            "tools": [{"name": "database_writer", "models": ["note"]}],
            "pipeline": [
                {
                    "id": "save",
                    "tool": "database_writer",
                    "with": {"model": "note", "mode": "insert", "values": {"text": "{{ input.text }}"}},
                }
            ],
        },
    },
    "Agent": {
        "apiVersion": "reconciler/v1",
        "kind": "Agent",
        "metadata": {"name": "my-notes"},
        "spec": {"type": "notes"},
    },
    "Policy": {
        "apiVersion": "reconciler/v1",
        "kind": "Policy",
        "metadata": {"name": "steps"},
        "spec": {"limits": {"steps": 40}},
    },
}


@dataclass(frozen=True, slots=True)
class ManifestBody:
    """The one document that a body is. `address` is `type/NAME` and so on."""

    document: dict[str, Any]
    address: str

    @property
    def kind(self) -> str:
        """`type`, `agent`, `policy`."""
        return self.address.partition("/")[0]

    @property
    def name(self) -> str:
        return self.address.partition("/")[2]

    def of_kind(self, kind: str, name: str = "") -> ManifestBody:
        """Raises Refusal where it is of another kind (`type`, `agent`), or not the one of the path."""
        if self.kind != kind or (name and name != self.name):
            wanted = f"{kind}/{name}" if name else f"a {kind}"
            raise Refusal(422, "other-manifest", f"the body is {self.address}, not {wanted}")
        return self


async def _manifest(request: Request) -> ManifestBody:
    """Raises ManifestsInvalid, Refusal. A JSON body goes through the same reader: it is YAML, with the same limits."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*YAML_TYPES, "application/json", ""):
        raise Refusal(
            415,
            "unsupported-media-type",
            f"a manifest is sent as application/yaml or application/json, not as {kind[:100]}",
            headers={"Accept": "application/yaml, application/json"},
        )
    return parsed(await request.body())


def parsed(data: bytes) -> ManifestBody:
    """The one manifest of a text, with nothing wrong in itself. Raises ManifestsInvalid, Refusal."""
    from reconciler.manifests.document import read
    from reconciler.manifests.reader import compile_file
    from reconciler.manifests.write import address_of

    documents = read(data, BODY).documents
    if len(documents) > 1:
        raise Refusal(422, "one-manifest", f"the body holds {len(documents)} manifests; send exactly one")
    _, problems, _ = compile_file(data, BODY)
    wrong = tuple(problem for problem in problems if problem.severity == "error")
    if wrong:
        raise ManifestsInvalid(wrong)
    if not documents:
        raise Refusal(422, "one-manifest", "the body is empty; send one manifest")
    try:
        return ManifestBody(documents[0].value, address_of(documents[0].value))
    except UsageError as error:
        raise Refusal(422, error.code, error.message, hint=error.hint) from error


Manifest = Annotated[ManifestBody, Depends(_manifest)]


def manifest_request(kind: str) -> dict[str, Any]:
    """What the OpenAPI says of a body that is a manifest, for a route's `openapi_extra`."""
    schema = {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": "reconciler/v1"},
            "kind": {"const": kind},
            "metadata": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": 40}
                },
            },
            "spec": {"type": "object"},
        },
        "description": "A manifest, as `GET /api/v1/schemas/manifest` describes it in full.",
    }
    content = {"schema": schema, "example": EXAMPLES[kind]}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": content, "application/yaml": content},
        }
    }
