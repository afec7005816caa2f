"""The web console: a page and its parts as they were built from `api/console/`, and who is looking at it."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.auth import Viewer
from api.problems import Refusal
from api.state import server_of
from reconciler.database.api_keys import Role

BUNDLE = Path(__file__).parents[1] / "console" / "bundle"
PAGE = "index.html"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
"""Nothing that is not of this server, and no code or style that stands in a page."""
MEDIA = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
         ".txt": "text/plain; charset=utf-8"}  # fmt: skip
FOREVER = "public, max-age=31536000, immutable"
"""Of parts whose names tell their content."""

router = APIRouter()


class CallerView(BaseModel):
    """Whom the key belongs to, and what it may do: each role may do all that those before it may."""

    name: str = Field(examples=["somebody"])
    role: Role


class UnitSql(BaseModel):
    """What changes together, with the statements that do it, in order."""

    name: str
    statements: list[str]


class PlanSql(BaseModel):
    plan_id: str
    units: list[UnitSql]


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the bundle, ready to be sent. `packed` is empty where packing gains nothing."""

    media: str
    plain: bytes
    packed: bytes
    tag: str


@router.get("/api/v1/caller", operation_id="get_caller", tags=["oversight"])
def get_caller(caller: Viewer) -> CallerView:
    """Whose key this is."""
    return CallerView(name=caller.name, role=caller.role)


@router.get("/api/v1/plan/sql", operation_id="get_plan_sql", tags=["reconciling"])
def get_plan_sql(request: Request, caller: Viewer) -> PlanSql:
    """The statements that applying the plan would run."""
    with server_of(request).reconciler() as reconciler:
        plan = reconciler.plan()
        units = [
            UnitSql(name=name, statements=[statement.sql for statement in statements])
            for name, statements in reconciler.statements(plan)
        ]
    return PlanSql(plan_id=plan.id, units=units)


async def page(request: Request) -> Response:
    """The page, looked at anew each time: it names the parts that belong to this version."""
    return _answer(request, PAGE, {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY})


async def part(request: Request) -> Response:
    return _answer(request, f"assets/{request.path_params['name']}", {"Cache-Control": FOREVER})


router.add_route("/", page, include_in_schema=False)
router.add_route("/assets/{name}", part, include_in_schema=False)


def _answer(request: Request, name: str, headers: dict[str, str]) -> Response:
    found = _bundle().get(name)
    if found is None:
        raise Refusal(404, "not-found", "there is no such part of the console")
    headers |= {"ETag": found.tag, "Vary": "Accept-Encoding"}
    seen = request.headers.get("if-none-match", "").replace("W/", "")
    if found.tag in (one.strip() for one in seen.split(",")):
        return Response(status_code=304, headers=headers)
    if found.packed and _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media)
    return Response(found.plain, headers=headers, media_type=found.media)


def _takes_gzip(accepted: str) -> bool:
    return re.search(r"(^|[,\s])gzip\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)", accepted) is not None


@cache
def _bundle() -> dict[str, _Part]:
    """Read and packed once, when the console is first asked for."""
    return {
        file.relative_to(BUNDLE).as_posix(): _part(file)
        for file in sorted(BUNDLE.rglob("*"))
        if file.is_file()
    }


def _part(file: Path) -> _Part:
    plain = file.read_bytes()
    packed = gzip.compress(plain, 9, mtime=0)
    return _Part(
        MEDIA.get(file.suffix, "application/octet-stream"),
        plain,
        packed if len(packed) < len(plain) else b"",
        f'"{hashlib.sha256(plain).hexdigest()[:32]}"',
    )
