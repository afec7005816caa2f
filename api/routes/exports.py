"""Types and agents with their rows as files: out of this database, into another."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from api.auth import Admin, Caller, Operator
from api.conditions import Idempotent
from api.names import OperationId
from api.operations import Report
from api.problems import Refusal
from api.routes.operations import ACCEPTED, Operation, accepted
from api.state import ServerState, server_of
from api.wire import also, json_response, problems
from api.writing import Reason
from reconciler.control.exports.archive import ArchiveReader
from reconciler.control.exports.exporting import ExportOptions, export
from reconciler.control.exports.importing import import_, preview_of
from reconciler.control.proposals import Author
from reconciler.database import long_work
from reconciler.database.api_keys import Role

router = APIRouter(prefix="/api/v1", tags=["exports"])
ARCHIVE = "application/gzip"
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {ARCHIVE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ExportBody(BaseModel, extra="forbid"):
    """`address` is `type/NAME`, `agent/NAME` or empty for all. `sensitive` and `decrypt` take the role admin."""

    address: str = Field("", max_length=80, pattern="^((type|agent)/[a-z0-9-]+)?$", examples=["type/notes"])
    tasks: bool = Field(False, description="Tasks that have ended too.")
    sensitive: bool = Field(False, description="Values of sensitive fields, instead of masking them.")
    decrypt: bool = Field(False, description="Values of encrypted fields opened; else they stay sealed.")
    reason: str = Field("", max_length=500)


class ImportView(BaseModel):
    """What an import would bring: rows by table. With `obstacles` it would be refused."""

    exported_at: str
    exported: str
    objects: list[dict[str, Any]]
    rows: dict[str, int]
    tasks: int
    sealed: list[str]
    obstacles: list[str]


@router.post(
    "/exports",
    operation_id="create_export",
    status_code=202,
    response_model=Operation,
    responses=ACCEPTED | problems(404, 409),
)
def create_export(request: Request, caller: Operator, body: ExportBody, once: Idempotent) -> Response:
    """Writes manifests of all versions and rows into one file, at one moment; fetch it once the operation has ended."""
    state = server_of(request)
    if (body.sensitive or body.decrypt) and not caller.role.covers(Role.ADMIN):
        raise Refusal(
            403, "forbidden", "values in the clear take the role admin", hint="export them masked and sealed"
        )

    def work(report: Report) -> Mapping[str, Any]:
        file = state.files / f"export-{secrets.token_hex(8)}.tar.gz"
        options = ExportOptions(body.tasks, body.sensitive, body.decrypt)
        with state.connection() as connection:
            done = export(
                connection,
                body.address,
                file,
                options,
                cipher=state.cipher(Role.ADMIN),
                actor=f"api:{caller.name}",
                reason=body.reason,
                progress=report,
            )
        return {**asdict(done), "path": file.name, "values": body.sensitive or body.decrypt}

    return once(lambda: accepted(request, caller, "export", body.model_dump(), work))


@router.get(
    "/exports/{id}/file",
    operation_id="get_export_file",
    response_class=FileResponse,
    responses=also(ARCHIVE) | problems(404, 409),
)
def get_export_file(request: Request, caller: Operator, operation: OperationId) -> FileResponse:
    """The file of an export that has ended, as long as the server that made it runs."""
    state = server_of(request)
    with state.connection() as connection:
        found = long_work.get(connection, operation)
    if found.kind != "export" or found.result is None or "path" not in found.result:
        raise Refusal(
            409, "no-file", f"operation {operation} has no file", hint="wait until it has succeeded"
        )
    if found.result.get("values") and not caller.role.covers(Role.ADMIN):
        raise Refusal(403, "forbidden", "values in the clear take the role admin")
    file = state.files / str(found.result["path"])
    if not file.is_file():
        raise Refusal(404, "not-found", "the file is not here any more", hint="export again")
    return FileResponse(file, media_type=ARCHIVE, filename=f"{operation}.tar.gz")


@router.post(
    "/imports/preview",
    operation_id="preview_import",
    response_model=ImportView,
    responses=problems(409, 415),
    openapi_extra=_FILE,
)
async def preview_import(request: Request, caller: Admin) -> Response:
    """Verifies an export, and tells what it would bring. Nothing is changed."""
    state = server_of(request)
    file = await _received(request, state)
    return await anyio.to_thread.run_sync(_previewed, state, file)


@router.post(
    "/imports",
    operation_id="create_import",
    status_code=202,
    response_model=Operation,
    responses=ACCEPTED | problems(409, 415),
    openapi_extra=_FILE,
)
async def create_import(request: Request, caller: Admin, reason: Reason = "") -> Response:
    """Brings an export into this source and database: the same manifests, the same rows. All rows come, or none."""
    state = server_of(request)
    file = await _received(request, state)
    return await anyio.to_thread.run_sync(_imported, request, state, caller, file, reason)


def _previewed(state: ServerState, file: Path) -> Response:
    try:
        with ArchiveReader(file) as archive, state.connection() as connection:
            return json_response(asdict(preview_of(connection, state.proposer().state, archive)))
    finally:
        file.unlink()


def _imported(request: Request, state: ServerState, caller: Caller, file: Path, reason: str) -> Response:
    def work(report: Report) -> Mapping[str, Any]:
        try:
            with ArchiveReader(file) as archive, state.connection() as connection:
                done = import_(
                    state.settings,
                    connection,
                    state.proposer,
                    archive,
                    cipher=state.cipher(Role.ADMIN),
                    actor=f"api:{caller.name}",
                    author=Author(caller.name),
                    reason=reason,
                    progress=report,
                )
            return asdict(done)
        finally:
            file.unlink()

    return accepted(request, caller, "import", {"reason": reason}, work)


async def _received(request: Request, state: ServerState) -> Path:
    """The body in a file, as it may be larger than memory. Raises Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (ARCHIVE, "application/octet-stream"):
        raise Refusal(415, "unsupported-media-type", f"an export is sent as {ARCHIVE}, not as {kind[:100]}")
    with tempfile.NamedTemporaryFile(
        prefix="import-", suffix=".tar.gz", dir=state.files, delete=False
    ) as file:
        async for piece in request.stream():
            file.write(piece)
    return Path(file.name)
