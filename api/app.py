"""create_app: routes, layers and the OpenAPI of one server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api import openapi, problems
from api.config import ServeConfig
from api.middleware import Gate
from api.routes import (
    agents,
    builder,
    catalog,
    checking,
    console,
    deletion,
    documentation,
    exports,
    health,
    operations,
    oversight,
    reconciling,
    results,
    standing,
    tasks,
    types,
    webhooks,
)
from api.state import ServerState
from reconciler import __version__
from reconciler.settings import Settings

DESCRIPTION = """\
Agents as YAML, over HTTP. Reading tells what is; writing proposes YAML, which a plan then makes true.

Every error is a problem document (RFC 9457) with a stable `code`. Keys are made with `reconcile keys create`."""

TAGS = [
    {"name": "types", "description": "Agent types: contracts with their tables."},
    {"name": "agents", "description": "What is deployed."},
    {"name": "tasks", "description": "Work for agents, and what became of it."},
    {"name": "results", "description": "The rows that agents wrote."},
    {"name": "reconciling", "description": "What would change, making it so, taking it back."},
    {"name": "operations", "description": "Long work that was asked for."},
    {"name": "catalog", "description": "Tools, policies, the manifest language."},
    {"name": "builder", "description": "A conversation that ends in manifests."},
    {"name": "documentation", "description": "About the language and the types there are."},
    {"name": "exports", "description": "Types with their rows, taken along."},
    {"name": "oversight", "description": "Incidents, audit, numbers."},
    {"name": "health", "description": "For load balancers."},
]


ROUTERS = [
    module.router
    for module in (
        results,
        standing,
        tasks,
        agents,
        types,
        deletion,
        operations,
        reconciling,
        catalog,
        checking,
        oversight,
        builder,
        documentation,
        exports,
        webhooks,
        health,
        console,
    )
]
"""In the order in which they are tried: results come first, as they are asked for most."""


def create_app(settings: Settings, config: ServeConfig) -> FastAPI:
    """An application over the source and database of the settings; nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state: ServerState = app.state.server
        state.prepare()
        yield
        state.close()

    app = FastAPI(
        title="reconciler",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.server = ServerState(settings, config)
    app.state.routers = ROUTERS
    problems.install(app)
    openapi.install(app)
    app.router.routes[:0] = results.DIRECT
    for router in ROUTERS:
        app.include_router(router)
    if config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=[
                "ETag",
                "Location",
                "X-Trace-Id",
                "Retry-After",
                "Deprecation",
                "Sunset",
                "Idempotency-Replayed",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
            ],
        )
    app.add_middleware(Gate, config=config, metrics=app.state.server.metrics)  # last added, outermost
    return app
