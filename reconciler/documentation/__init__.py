"""Documentation: what types, agents and the language itself are, told to people and to other programs.

    generator.py      DocumentationGenerator, and the documents that the API serves; the one entrance
    document.py       Document: a title, Markdown and data; `page` makes HTML of it
    markdown.py       texts of strangers put into Markdown so that they stay texts
    wording.py        a field in words
    diagrams.py       Mermaid; `drawings`: the same as SVG
    type_page.py      the page of one type; `versions` tells what changed, `index_page` lists all
    guide/            how to write an agent, from the models of the language itself
    calls.py          worked examples of one type: command line, curl, Python, TypeScript
    endpoints.py      the requests that there are, once for OpenAPI, collections and examples
    schemas.py        JSON Schema of inputs, outputs and rows; `openapi`: OpenAPI 3.1 with each type's own schemas
    postman.py        the same requests as a collection for Postman; `insomnia`: for Insomnia
    mock/             values that fit their fields, and values that do not
    typescript/       types, zod validators, client and hooks as an npm package
    site.py           all of it as a folder of static pages

Pure: what is described comes in as specs, files go out as texts by name. What does not belong: databases, manifests'
YAML, HTTP. Everything is deterministic, and values of sensitive fields are never among it.
"""
