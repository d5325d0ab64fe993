"""The plan as a page and as JSON: started and stopped by a person, followed while it is made. Nothing is sent.

Records are read back from their systems only where the console was started with ``--allow plan-online``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from syncflow.console import words
from syncflow.console.access import Visitor
from syncflow.console.acting import ActionError, check_form
from syncflow.console.api import Show, shown
from syncflow.console.asking import PLAN_ONLINE, Asking
from syncflow.console.guard import VISITOR
from syncflow.console.pages import Pages
from syncflow.console.plans import MOST_EVENTS, USUAL_EVENTS, Order, Plans
from syncflow.errors import DataError

_NAMES = {"events", "from_start", "online"}


def plan_api(asking: Asking) -> APIRouter:
    """Return the routes of the plan as JSON."""
    router = APIRouter(prefix="/api/plan")

    @router.get("", summary="The plan that was made last, or how far the one is that is being made.")
    async def plan(request: Request, show: Show = False) -> Any:  # noqa: FBT002
        view = _plans(asking).view
        is_shown = view.plan is not None and shown(request, "plan", show=show)
        return JSONResponse(
            {
                "state": view.state,
                "by": view.order.by,
                "events": view.order.events,
                "online": view.order.online,
                "began_at": words.iso(view.began_at) or None,
                "ended_at": words.iso(view.ended_at) or None,
                "read": view.read,
                "words": view.words,
                "hint": view.hint,
                "plan": view.shown(values=is_shown),
            }
        )

    @router.post("", summary="Plan what a run would do: at most `events` of the source, `from_start`, `online`.")
    async def start(request: Request) -> Any:
        visitor = _checked(request)
        _start(asking, _order(_json(await request.body()), visitor))
        return JSONResponse({"state": _plans(asking).view.state}, 202)

    @router.post("/stop", summary="Stop the plan that is being made.")
    async def stop(request: Request) -> Any:
        _checked(request)
        await _plans(asking).stop()
        return JSONResponse({"state": _plans(asking).view.state})

    return router


def plan_pages(asking: Asking, shows: Pages) -> APIRouter:
    """Return the routes of the plan's page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/plan")
    async def plan(request: Request, show: Show = False) -> Response:  # noqa: FBT002
        view = _plans(asking).view
        is_shown = view.plan is not None and shown(request, "plan", show=show)
        return shows.plain(
            request, "plan", view=view, plan=view.shown(values=is_shown), shown=is_shown, most=MOST_EVENTS
        )

    @router.post("/plan")
    async def start(request: Request) -> Response:
        fields = words.form(await request.body())
        visitor = request.scope[VISITOR]
        check_form(visitor, fields.pop("check", ""))
        _start(asking, _order(fields, visitor))
        return RedirectResponse("/plan", 303)

    @router.post("/plan/stop")
    async def stop(request: Request) -> Response:
        check_form(request.scope[VISITOR], words.form(await request.body()).get("check", ""))
        await _plans(asking).stop()
        return RedirectResponse("/plan", 303)

    return router


def _plans(asking: Asking) -> Plans:
    if asking.plans is None:
        raise DataError("this console makes no plans", hint="it is started with a project's routes file")
    return asking.plans


def _start(asking: Asking, order: Order) -> None:
    plans = _plans(asking)
    if order.online and PLAN_ONLINE not in asking.settings.allow:
        raise ActionError(403, f"this console may not read records back: start it with --allow {PLAN_ONLINE}")
    if not plans.start(order):
        raise ActionError(409, "a plan is being made: wait for it, or stop it")


def _checked(request: Request) -> Visitor:
    visitor: Visitor = request.scope[VISITOR]
    check_form(visitor, request.headers.get("x-console-check", ""))
    return visitor


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ActionError(400, "expected a JSON object")
    return found


def _order(fields: Mapping[str, Any], visitor: Visitor) -> Order:
    if unknown := sorted(set(fields) - _NAMES):
        raise ActionError(400, f"unknown: {', '.join(unknown)[:100]}")
    events = str(fields.get("events", USUAL_EVENTS))
    if not (events.isascii() and events.isdigit() and len(events) < 9 and 1 <= int(events) <= MOST_EVENTS):
        raise ActionError(400, f"events: expected a number from 1 to {MOST_EVENTS:,}")
    return Order(
        int(events), from_start=bool(fields.get("from_start")), online=bool(fields.get("online")), by=visitor.by
    )
