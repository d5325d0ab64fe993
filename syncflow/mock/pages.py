"""What a person sees in a browser: the landing page, and the vendors' endpoints on the API page beside the admin ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .state import Mock

_SEGMENT = re.compile(r"\{(\w+)\}")
_LANDING = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>syncflow mock</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{background:#eee}</style>
</head><body><h1>syncflow mock</h1>
<p>Three systems that behave like the real ones, in memory:</p>
<ul><li><code>/salesforce</code> – client id and secret <code>demo</code>, or the token <code>demo</code></li>
<li><code>/hubspot</code> – the token <code>demo</code></li>
<li><code>/directory</code> – <code>X-Directory-Key: demo-key</code></li></ul>
<p><a href="/docs">Every endpoint</a> · <a href="/admin/summary">what happened so far</a> ·
<a href="/admin/settings">settings</a> · <a href="/admin/records/salesforce">records in salesforce</a> ·
<a href="/admin/records/hubspot">in hubspot</a> · <a href="/admin/records/directory">in directory</a></p></body></html>"""

# How a system's routes look from outside: the admin page shows one spelling of what may be written in several.
_MOUNTS: dict[str, Callable[[str], str]] = {
    "salesforce": lambda path: path if path.startswith("/services") else f"/services/data/v67.0{path}",
    "hubspot": lambda path: path if path.startswith("/oauth") else f"/crm/v3{path}",
    "directory": lambda path: path,
}


def landing_page() -> str:
    """The page at ``/``."""
    return _LANDING


def describe(app: FastAPI, mock: Mock) -> dict[str, Any]:
    """The OpenAPI description of everything the app serves."""
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for name, system in mock.systems.items():
        for route in system.routes.table:
            path = f"/{name}{_MOUNTS[name](route.template)}"
            described["paths"].setdefault(path, {})[route.method.lower()] = _operation(
                name, route.method, path, route.handler
            )
    return described


def _operation(system: str, method: str, path: str, handler: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [system],
        "summary": (handler.__doc__ or "").split("\n")[0],
        "operationId": f"{system}_{handler.__module__.rpartition('.')[2]}_{handler.__name__}",
        "parameters": [
            {"name": segment, "in": "path", "required": True, "schema": {"type": "string"}}
            for segment in _SEGMENT.findall(path)
        ],
        "responses": {"default": {"description": "as the vendor answers"}},
    }
    if method in {"POST", "PUT", "PATCH"}:
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return operation
