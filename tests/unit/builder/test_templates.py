"""Every template, with fields of every type: what grows out of it is sound and passes its own tests."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.bootstrap import rehearsals
from reconciler.builder.slots import Slot, effective
from reconciler.builder.templates.installed import BUILTIN, Templates, installed_templates
from reconciler.builder.templates.template import Template
from reconciler.builder.views import Source
from reconciler.errors import NotFound
from reconciler.manifests.load import load
from reconciler.manifests.sources import MemorySource
from reconciler.manifests.write import rendered

FIELDS: dict[str, Any] = {
    "order_number": {"type": "string", "max_length": 200},
    "amount": {"type": "decimal", "precision": 12, "scale": 2},
    "due": {"type": "date"},
    "count": {"type": "integer"},
    "paid": {"type": "boolean"},
    "rate": {"type": "number"},
    "kind": {"type": "enum", "values": ["a", "b"]},
    "contact": {"type": "string", "format": "email"},
    "tags": {"type": "list", "items": "string"},
    "source": {"type": "string"},
    "notes": {"type": "text"},
    "ref": {"type": "uuid"},
    "at": {"type": "datetime"},
}
MAIL = {"alert_to": "a@example.com", "smtp_host": "smtp.example.com", "alert_when": "billing"}
BOX = {"intake": "mailbox", "imap_host": "imap.example.com", "mailbox_user": "b@example.com"}
SAID: list[tuple[str, dict[str, Any]]] = [
    ("email", {}),
    ("email", {"details": FIELDS, "engine": "model", **MAIL, "secrets": {"smtp_password": "SMTP_PASSWORD"}}),
    ("email", {**MAIL, **BOX}),
    ("knowledge-base", {"details": FIELDS}),
    ("knowledge-base", {"hosts": ["*.example.org"], "secrets": {"http_token": "HTTP_TOKEN"}}),
    ("text-processing", {}),
    ("text-processing", {"details": FIELDS, "engine": "model"}),
    ("document-extraction", {"details": FIELDS}),
    ("document-extraction", {"details": FIELDS, "engine": "model", "key": "none"}),
    ("document-extraction", {"details": {"tags": FIELDS["tags"]}}),
    ("blank", {"details": {**FIELDS, "count": {"type": "integer", "required": True}}}),
]


@pytest.mark.parametrize(
    ("name", "said"), SAID, ids=lambda part: part if isinstance(part, str) else "-".join(part)
)
def test_what_grows_out_of_a_template_passes_its_own_tests(name: str, said: dict[str, Any]) -> None:
    template = Templates(*BUILTIN).named(name)
    values = effective(template.slots, {slot: Slot(value, Source.SAID) for slot, value in said.items()})
    text = "---\n".join(map(rendered, template.compose(values)))
    loaded = load(MemorySource({"draft.yaml": text.encode()}))
    assert [str(p) for p in loaded.problems if p.code != "lethal-combination"] == []
    types = [address.removeprefix("type/") for address in loaded.state.entries if address.startswith("type/")]
    for rehearsal in rehearsals(loaded.state, types):
        assert {v.test: [d.message for d in v.differences] for v in rehearsal.verdicts if not v.passed} == {}
        assert not rehearsal.gaps


def test_packages_bring_templates_and_cannot_replace_a_built_in_one() -> None:
    own = Template("rota", "Rota", "plans shifts", ("shift*",), (), lambda values: [])
    taken = Template("email", "Other", "is another", (), (), lambda values: [])
    templates = Templates(*BUILTIN, own, taken)
    assert templates.named("rota") is own
    assert templates.named("email").title == "Email"
    with pytest.raises(NotFound) as missing:
        templates.named("emial")
    assert "email" in missing.value.hint
    assert set(installed_templates().names()) >= {template.name for template in BUILTIN}
