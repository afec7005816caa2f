"""What the source would change."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api.auth import Viewer
from api.state import server_of

router = APIRouter(prefix="/api/v1", tags=["plan"])


@router.get(
    "/plan",
    operation_id="get_plan",
    response_model=None,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}, "text/markdown": {}}}},
)
def plan(request: Request, caller: Viewer) -> Response:
    """The plan as JSON, or as Markdown for a pull request where that is what is accepted."""
    from reconciler.plans.render.json_document import plan_document
    from reconciler.plans.render.markdown import render_markdown

    with server_of(request).reconciler() as reconciler:
        made = reconciler.plan()
        if "text/markdown" in request.headers.get("accept", ""):
            text = render_markdown(
                made, root=reconciler.settings.source, sensitive_settings=reconciler.sensitive_settings
            )
            return Response(text, media_type="text/markdown")
        document: dict[str, Any] = plan_document(made, sensitive_settings=reconciler.sensitive_settings)
    return Response(orjson.dumps(document), media_type="application/json")
