"""The TypeScript package over HTTP: that of the types that are live, the same bytes each time."""

from __future__ import annotations

import io
import tarfile

from api.sdk import FRONTEND
from reconciler.database.api_keys import Role
from tests.api_server import Api

PATH = "/api/v1/docs/sdk/typescript"


def test_the_package_holds_the_types_that_are_live_and_the_frontend_package(seeded: Api) -> None:
    answer = seeded.as_(Role.VIEWER).get(PATH)
    assert answer.headers["content-type"] == "application/gzip"
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        files = {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    assert "export interface NotesInput" in files["reconciler-sdk/src/instance/types.ts"]
    assert files["reconciler-sdk/src/client.ts"] == (FRONTEND / "src" / "client.ts").read_text("utf-8")
    assert {name.split("/")[0] for name in files} == {"reconciler-sdk"}


def test_the_same_types_give_the_same_package(seeded: Api) -> None:
    client = seeded.as_(Role.VIEWER)
    assert client.get(PATH).content == client.get(PATH).content
