"""All documents as a folder of static pages: HTML to look at, and beside it the Markdown, OpenAPI and collections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.documentation.document import Document
from reconciler.documentation.generator import agent_creation_guide, examples, frontend_integration
from reconciler.documentation.insomnia import insomnia_collection
from reconciler.documentation.postman import postman_collection

if TYPE_CHECKING:
    from reconciler.documentation.generator import DocumentationGenerator


def site_files(generator: DocumentationGenerator) -> dict[str, str]:
    """Texts by file name, with `/` between folders; always the same for the same state."""
    types, agents, base_url = generator.types(), generator.agents(), generator.base_url
    files: dict[str, str] = {}
    index = generator.index(lambda name: f"types/{name}.html")
    files |= _page("index", Document(index.title, index.markdown + _LINKS, index.data))
    files |= _page("agent-creation", agent_creation_guide())
    files |= _page("frontend-integration", frontend_integration(types, base_url, agents))
    files |= _page("examples", examples(types, agents, base_url))
    for agent_type in types:
        files |= _page(f"types/{agent_type.name}", generator.type(agent_type.name))
    files["openapi.json"] = _json(generator.openapi())
    files["postman.json"] = _json(postman_collection(types, agents, base_url))
    files["insomnia.yaml"] = insomnia_collection(types, agents, base_url)
    return files


_LINKS = """
## More

- [How to write an agent](agent-creation.html)
- [Using it from a frontend](frontend-integration.html)
- [Examples](examples.html)
- [OpenAPI 3.1](openapi.json), [Postman collection](postman.json), [Insomnia collection](insomnia.yaml)
"""


def _page(name: str, document: Document) -> dict[str, str]:
    return {f"{name}.html": document.html(), f"{name}.md": document.markdown}


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
