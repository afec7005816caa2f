"""What routes there are, and what each takes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from reconciler.database.api_keys import Role


def role_of(route: APIRoute) -> Role | None:
    """The role a route takes; None where no key is needed."""
    return _role(route.dependant)


def routes_of(app: FastAPI) -> list[APIRoute]:
    """All routes of the API, in the order in which they are tried."""
    return [route for router in app.state.routers for route in router.routes if isinstance(route, APIRoute)]


def _role(dependant: Dependant) -> Role | None:
    for part in dependant.dependencies:
        role = getattr(part.call, "role", None) or _role(part)
        if role is not None:
            return Role(role)
    return None


def methods_of(app: FastAPI, path: str) -> list[str]:
    """What can be done with whatever is at a path: by the routes that say it most exactly."""
    found: dict[str, set[str]] = {}
    for route in routes_of(app):
        if route.path_regex.match(path):
            found.setdefault(route.path, set()).update(route.methods or ())
    return sorted(found[min(found, key=lambda template: template.count("{"))]) if found else []
