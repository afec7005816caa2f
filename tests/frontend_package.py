"""What is generated of `api/frontend/`: TypeScript of this very API, made by openapi-ts from its OpenAPI.

It is kept in the repository, as the wheel has to bring it along without Node; a test proves that it is up to date.

python -m tests.frontend_package    writes it anew
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.unit.documentation.node import Node, node_with_packages

FRONTEND = Path(__file__).parents[1] / "api" / "frontend"
GENERATED = FRONTEND / "src" / "generated"
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "d" / "typescript"
"""Where the tests keep packages as well."""
GENERATOR = {"@hey-api/openapi-ts": "0.95.0", "typescript": "5.9.3"}
"""The newest that runs on Node 20."""
NAMES = {
    "Status-Input": "LifecycleStatus",
    "reconciler__agents__lifecycle__Status": "LifecycleStatus",
    "reconciler__control__reports__Status": "Status",
    "reconciler__builder__views__Message": "BuilderMessage",
    "api__wire__Message": "Message",
    "Place": "SourcePlace",
}
"""Schemas that the server calls by their modules, as two share a name, and what they are called here."""


def described() -> dict[str, Any]:
    """The OpenAPI of the API as the generator is given it: every failure is one and the same problem document, and
    schemas have names that can be said."""
    from api.app import create_app
    from api.config import ServeConfig
    from reconciler.settings import Settings

    document = copy.deepcopy(create_app(Settings(), ServeConfig()).openapi())
    for operations in document["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            failed = [status for status in answers if int(status) >= 400]
            problem = {**answers[failed[0]], "description": "A problem."}
            for status in failed:
                del answers[status]
            answers["default"] = problem
    text = json.dumps(document, sort_keys=True)
    for before, after in NAMES.items():
        text = text.replace(f'"#/components/schemas/{before}"', f'"#/components/schemas/{after}"')
    document = json.loads(text)
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {NAMES.get(name, name): schema for name, schema in schemas.items()}
    return document


def generate(node: Node, folder: Path) -> dict[str, str]:
    """Files by name, made in `folder`."""
    config = (FRONTEND / "openapi-ts.config.mjs").read_text("utf-8")
    node.write(folder, {"openapi.json": json.dumps(described()), "openapi-ts.config.mjs": config})
    node.run(folder, str(node.modules / "@hey-api/openapi-ts/bin/run.js"))
    return texts(folder / "src" / "generated")


def texts(folder: Path) -> dict[str, str]:
    """Without the spaces at ends of lines that the generator leaves."""
    made = {
        path.relative_to(folder).as_posix(): re.sub(
            r"[ \t]+$", "", path.read_text("utf-8"), flags=re.MULTILINE
        )
        for path in sorted(folder.rglob("*.ts"))
    }
    made.pop("client.gen.ts", None)  # a client that is there as soon as it is imported; nobody uses it
    return made


def main() -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = generate(node_with_packages(CACHE, GENERATOR), Path(scratch))
    shutil.rmtree(GENERATED, ignore_errors=True)
    for name, text in made.items():
        path = GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    sys.stdout.write(f"Wrote {len(made)} files to {GENERATED}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
