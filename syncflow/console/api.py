"""The console as JSON, under ``/api``: the same answers as on its pages, by the same rules. ``/api/openapi.json`` describes it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from syncflow.console.acting import Done, Preview, act, check_form, from_json
from syncflow.console.alert_views import alerts_view
from syncflow.console.asking import Asking, Before, Id, Limit, Number, Text
from syncflow.console.guard import VISITOR
from syncflow.console.live import Pulse
from syncflow.console.words import for_programs, hidden_delivery, hidden_letter, hidden_trail
from syncflow.errors import DataError
from syncflow.runtime.desk.browse import Deliveries, Page
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.observe import note

Show = Annotated[
    bool,
    Query(description="Show the record's data and the vendor's words, which are hidden otherwise. This is logged."),
]


def api(asking: Asking, pulse: Pulse) -> APIRouter:
    """Return the routes of the API."""
    router = APIRouter(prefix="/api")
    _add_views(router, asking)
    _add_lists(router, asking)
    _add_details(router, asking)
    _add_actions(router, asking, pulse)
    return router


def _add_views(router: APIRouter, asking: Asking) -> None:
    @router.get(
        "/overview", summary="The whole project: the run, what waits and why, what was given up, what to do next."
    )
    async def overview() -> Any:
        return _answer(await asking.overview())

    @router.get("/systems", summary="How every system stands.")
    async def systems() -> Any:
        return _answer({"systems": (await asking.overview()).systems})

    @router.get("/systems/{name}", summary="How one system stands.")
    async def system(name: str) -> Any:
        return _answer(_named((await asking.overview()).systems, name, "system"))

    @router.get("/alerts", summary="What is wrong by the rules of `alerts:`, since when, who was told, and the rules.")
    async def alerts() -> Any:
        return _answer(alerts_view(await asking.ask(asking.desk.alerts)))

    @router.get("/routes", summary="Where every route leads, and what became of its deliveries.")
    async def routes() -> Any:
        return _answer({"routes": (await asking.overview()).routes})

    @router.get("/routes/{name:path}", summary="One route.")
    async def route(name: str) -> Any:
        return _answer(_named((await asking.overview()).routes, name, "route"))


def _named(found: Any, name: str, noun: str) -> Any:
    for each in found:
        if each.name == name:
            return each
    raise DataError(f"there is no {noun} of this name")


def _add_lists(router: APIRouter, asking: Asking) -> None:
    desk = asking.desk

    @router.get("/deliveries", summary="Deliveries, the newest first.")
    async def deliveries(
        state: Text = "", route: Text = "", system: Text = "", before: Before = None, limit: Limit = 50
    ) -> Any:
        chosen = Deliveries(state, route, system)
        return _page(await asking.ask(partial(desk.deliveries, chosen, before=before, most=limit)))

    @router.get("/dead-letters", summary="Open dead letters, the newest first.")
    async def dead_letters(
        route: Text = "",
        system: Text = "",
        stage: Text = "",
        code: Text = "",
        record: Text = "",
        before: Before = None,
        limit: Limit = 50,
    ) -> Any:
        chosen = Letters(route=route, system=system, stage=stage, code=code, record=record)
        return _page(await asking.ask(partial(desk.letters, chosen, before=before, most=limit)))

    @router.get("/dead-letters/causes", summary="Open dead letters by cause, the most frequent first.")
    async def causes(route: Text = "", system: Text = "", stage: Text = "", code: Text = "") -> Any:
        chosen = Letters(route=route, system=system, stage=stage, code=code)
        return _answer({"causes": await asking.ask(partial(desk.causes, chosen))})

    @router.get("/events", summary="Events, the newest first.")
    async def events(state: Text = "", before: Before = None, limit: Limit = 50) -> Any:
        return _page(await asking.ask(partial(desk.events, state=state, before=before, most=limit)))

    @router.get("/batches/{batch_id}", summary="The deliveries of one batch; `near` is one of them.")
    async def batch(batch_id: str, near: Number = None) -> Any:
        return _page(await asking.ask(partial(desk.batch, batch_id, near=near)))

    @router.get("/actions", summary="What people did by the console, the newest first.")
    async def actions(before: Before = None, limit: Limit = 50) -> Any:
        return _page(await asking.ask(partial(desk.actions, before=before, most=limit)))


def _add_details(router: APIRouter, asking: Asking) -> None:
    desk = asking.desk

    @router.get("/deliveries/{number}", summary="One delivery: its payload, its attempts, its dead letters.")
    async def delivery(request: Request, number: Id, show: Show = False) -> Any:  # noqa: FBT002
        found = await asking.ask(partial(desk.delivery, number))
        return _answer(found if shown(request, "delivery", number=number, show=show) else hidden_delivery(found))

    @router.get("/dead-letters/{number}", summary="One dead letter: its event, its payload, its attempts, the answer.")
    async def dead_letter(request: Request, number: Id, show: Show = False) -> Any:  # noqa: FBT002
        found = await asking.ask(partial(desk.letter, number))
        return _answer(found if shown(request, "dead_letter", number=number, show=show) else hidden_letter(found))

    @router.get("/record", summary="What became of one record: its newest events, with all that followed from each.")
    async def record(
        request: Request,
        id: Text,  # noqa: A002
        before: Before = None,
        limit: Limit = 20,
        show: Show = False,  # noqa: FBT002
    ) -> Any:
        found = await asking.ask(partial(desk.trail, id, before=before, most=limit))
        return _answer(found if shown(request, "record", show=show) else hidden_trail(found))


def shown(request: Request, page: str, *, number: int | None = None, show: bool) -> bool:
    """Whether to show the data of a record; that somebody saw it is logged, with no id of the record."""
    if show:
        note("console.shown", by=request.scope[VISITOR].by, page=page, number=number)
    return show


def _add_actions(router: APIRouter, asking: Asking, pulse: Pulse) -> None:
    @router.post(
        "/actions/{action}",
        summary="Redrive, drop or replay: without `confirm` a preview, with the number shown there the act.",
    )
    async def action(request: Request, action: str) -> Any:
        visitor = request.scope[VISITOR]
        check_form(visitor, request.headers.get("x-console-check", ""))
        result = await act(asking, visitor, from_json(action, await request.body()))
        if isinstance(result, Done):
            return _answer({"done": True, "action": result.action, "count": result.count})
        return JSONResponse(_preview(result), 409 if result.note else 200)

    @router.get("/live", summary="Server-sent events: `change`, whenever there is something new to see.")
    async def live() -> Response:
        stream = pulse.admit()
        return stream or JSONResponse({"error": "too many open pages"}, 503, {"Retry-After": "30"})


def _preview(result: Preview) -> Any:
    return for_programs(
        {
            "done": False,
            "action": result.wish.action,
            "count": result.count,
            "newest": result.rows,
            "note": result.note,
            "hint": f'send it again with "confirm": {result.count}',
        }
    )


def _page(page: Page) -> Any:
    return _answer({"rows": page.rows, "next": page.next, "looked_to": page.looked_to})


def _answer(value: Any) -> Any:
    return JSONResponse(for_programs(value))
