"""The console as pages: what ``questions`` and the desk answer, in templates that escape everything."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from syncflow.console import words
from syncflow.console.access import local_path
from syncflow.console.acting import Done, act, after, check_form, from_form
from syncflow.console.alert_views import alerts_view
from syncflow.console.api import Show, shown
from syncflow.console.asking import Asking, Before, Id, Number, Text
from syncflow.console.guard import VISITOR
from syncflow.errors import DataError
from syncflow.runtime.desk.browse import ANY_OPEN, Deliveries
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.base import DeliveryState

HOME = Path(__file__).parent
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "playground.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
STATES = tuple(str(state) for state in DeliveryState)
ALWAYS_LISTED = {DeliveryState.WAITING.value, DeliveryState.DELIVERED.value}
CHOICES = (ANY_OPEN, *STATES)
EVENT_STATES = ("routed", "ignored", "duplicate", "dead")
MOST = 50


@cache
def _templates() -> Environment:
    """Return the templates of all pages; a template is compiled once in a process."""
    found = Environment(
        loader=FileSystemLoader(HOME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        moment=words.moment,
        iso=words.iso,
        span=words.span,
        number=words.number,
        state=words.state,
        segment=words.segment,
        pretty=words.pretty,
    )
    found.globals.update(link=words.link, static=_address, STATES=STATES, CHOICES=CHOICES, EVENT_STATES=EVENT_STATES)
    return found


@cache
def _static(name: str) -> tuple[bytes, str]:
    """Return a file of the package, and what its address carries, so that a browser may keep it until it is another one."""
    content = (HOME / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def _address(name: str) -> str:
    return f"/static/{name}?v={_static(name)[1]}"


class Pages:
    """Renders templates for one console."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self._templates = _templates()

    async def show(self, request: Request, page: str, /, status: int = 200, **values: Any) -> Response:
        """Return a page with the head that all pages have: how the run stands."""
        run = (await self.asking.overview()).run
        return self.plain(request, page, status, run=run, **values)

    def plain(self, request: Request, page: str, /, status: int = 200, **values: Any) -> Response:
        """Return a page without asking the journal."""
        settings = self.asking.settings
        shared = {
            "title": settings.title,
            "visitor": request.scope.get(VISITOR),
            "allow": settings.allow,
            "in_run": settings.in_run,
            "has_playground": self.asking.playground is not None,
            "has_plans": self.asking.plans is not None,
            "now": self.asking.clock(),
            "path": quote(request.scope["path"]),
            "query": {name: value for name, value in request.query_params.items() if name != "before"},
            "hidden_query": {name: value for name, value in request.query_params.items() if name != "show"},
            "is_first": "before" not in request.query_params,
            "run": None,
            "version": getattr(request.state, "version", ""),
        }
        return HTMLResponse(self._templates.get_template(f"{page}.html").render(shared | values), status)


def pages(asking: Asking, shows: Pages) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False)
    _add_views(router, asking, shows)
    _add_alerts(router, asking, shows)
    _add_lists(router, asking, shows)
    _add_details(router, asking, shows)
    _add_actions(router, asking, shows)
    _add_sign_in(router, asking, shows)
    _add_static(router)

    @router.get("/playground")
    async def playground(request: Request) -> Response:
        if asking.playground is None:
            raise DataError("this console has no playground", hint="it is started with a project's routes file")
        return shows.plain(request, "playground")

    return router


def _add_views(router: APIRouter, asking: Asking, shows: Pages) -> None:
    @router.get("/")
    async def overview(request: Request) -> Response:
        found = await asking.overview()
        return shows.plain(request, "overview", run=found.run, overview=found)

    @router.get("/systems")
    async def systems(request: Request) -> Response:
        found = await asking.overview()
        return shows.plain(request, "systems", run=found.run, systems=found.systems)

    @router.get("/systems/{name}")
    async def system(request: Request, name: str) -> Response:
        found = await asking.overview()
        one = next((each for each in found.systems if each.name == name), None)
        if one is None:
            raise DataError("there is no system of this name", hint="the page Systems lists them")
        mine = [each for each in found.routes if each.system == name]
        return shows.plain(request, "system", run=found.run, system=one, routes=mine)

    @router.get("/routes")
    async def routes(request: Request) -> Response:
        found = await asking.overview()
        used = {state for each in found.routes for state, count in each.counts.items() if count}
        states = [state for state in STATES if state in used | ALWAYS_LISTED]
        return shows.plain(request, "routes", run=found.run, routes=found.routes, states=states)

    @router.get("/routes/{name:path}")
    async def route(request: Request, name: str) -> Response:
        found = await asking.overview()
        one = next((each for each in found.routes if each.name == name), None)
        if one is None:
            raise DataError("there is no route of this name", hint="the page Routes lists them")
        return shows.plain(request, "route", run=found.run, route=one)


def _add_alerts(router: APIRouter, asking: Asking, shows: Pages) -> None:
    @router.get("/alerts")
    async def alerts(request: Request) -> Response:
        found = alerts_view(await asking.ask(asking.desk.alerts))
        return await shows.show(request, "alerts", found=found)


def _add_lists(router: APIRouter, asking: Asking, shows: Pages) -> None:
    desk = asking.desk

    @router.get("/deliveries")
    async def deliveries(
        request: Request, state: Text = "", route: Text = "", system: Text = "", before: Before = None
    ) -> Response:
        chosen = Deliveries(state, route, system)
        page = await asking.ask(partial(desk.deliveries, chosen, before=before, most=MOST))
        return await shows.show(request, "deliveries", page=page, chosen=chosen)

    @router.get("/dead-letters")
    async def causes(
        request: Request, route: Text = "", system: Text = "", stage: Text = "", code: Text = ""
    ) -> Response:
        chosen = Letters(route=route, system=system, stage=stage, code=code)
        found = await asking.ask(partial(desk.causes, chosen))
        return await shows.show(request, "causes", causes=found, chosen=chosen)

    @router.get("/dead-letters/list")
    async def letters(
        request: Request,
        route: Text = "",
        system: Text = "",
        stage: Text = "",
        code: Text = "",
        record: Text = "",
        before: Before = None,
    ) -> Response:
        chosen = Letters(route=route, system=system, stage=stage, code=code, record=record)
        page = await asking.ask(partial(desk.letters, chosen, before=before, most=MOST))
        return await shows.show(request, "letters", page=page, chosen=chosen)

    @router.get("/events")
    async def events(request: Request, state: Text = "", before: Before = None) -> Response:
        page = await asking.ask(partial(desk.events, state=state, before=before, most=MOST))
        return await shows.show(request, "events", page=page, state=state)

    @router.get("/batches/{batch_id}")
    async def batch(request: Request, batch_id: str, near: Number = None) -> Response:
        page = await asking.ask(partial(desk.batch, batch_id, near=near))
        return await shows.show(request, "batch", page=page, batch_id=batch_id)

    @router.get("/actions")
    async def actions(request: Request, before: Before = None) -> Response:
        page = await asking.ask(partial(desk.actions, before=before, most=MOST))
        return await shows.show(request, "actions", page=page)


def _add_details(router: APIRouter, asking: Asking, shows: Pages) -> None:
    desk = asking.desk

    @router.get("/deliveries/{number}")
    async def delivery(request: Request, number: Id, show: Show = False) -> Response:  # noqa: FBT002
        found = await asking.ask(partial(desk.delivery, number))
        is_shown = shown(request, "delivery", number=number, show=show)
        row = found if is_shown else words.hidden_delivery(found)
        return await shows.show(request, "delivery", row=row, shown=is_shown)

    @router.get("/dead-letters/{number}")
    async def letter(request: Request, number: Id, show: Show = False) -> Response:  # noqa: FBT002
        found = await asking.ask(partial(desk.letter, number))
        is_shown = shown(request, "dead_letter", number=number, show=show)
        row = found if is_shown else words.hidden_letter(found)
        return await shows.show(request, "letter", row=row, shown=is_shown)

    @router.get("/records")
    async def record(
        request: Request,
        id: Text = "",  # noqa: A002
        before: Before = None,
        show: Show = False,  # noqa: FBT002
    ) -> Response:
        if not id:
            return await shows.show(request, "record", known=None, shown=False)
        found = await asking.ask(partial(desk.trail, id, before=before, most=20))
        is_shown = shown(request, "record", show=show)
        return await shows.show(
            request, "record", known=found if is_shown else words.hidden_trail(found), shown=is_shown
        )


def _add_actions(router: APIRouter, asking: Asking, shows: Pages) -> None:
    @router.post("/actions/{action}")
    async def action(request: Request, action: str) -> Response:
        visitor = request.scope[VISITOR]
        wish, check = from_form(action, await request.body())
        check_form(visitor, check)
        result = await act(asking, visitor, wish)
        if isinstance(result, Done):
            return RedirectResponse(after(wish), 303)
        return await shows.show(request, "preview", preview=result)


def _add_sign_in(router: APIRouter, asking: Asking, shows: Pages) -> None:
    access = asking.settings.access

    @router.get("/sign-in")
    async def ask(request: Request, next: Text = "/") -> Response:  # noqa: A002
        return shows.plain(request, "sign_in", next=local_path(next), wrong=False)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        fields = words.form(await request.body())
        after, now = local_path(fields.get("next", "/")), asking.clock()
        if not access.admits(fields.get("token", "").strip(), now=now):
            return shows.plain(request, "sign_in", 403, next=after, wrong=True)
        response = RedirectResponse(after, 303)
        cookie = access.session(fields.get("name", ""), now=now)
        secure = request.headers.get("x-forwarded-proto") == "https"
        response.set_cookie(access.cookie, cookie, httponly=True, samesite="strict", secure=secure, path="/")
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        check_form(request.scope[VISITOR], words.form(await request.body()).get("check", ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(access.cookie, path="/")
        return response

    @router.get("/api")
    async def described(request: Request) -> Response:
        described = request.app.openapi()
        return await shows.show(request, "api", paths=described["paths"])


def _add_static(router: APIRouter) -> None:
    @router.get("/static/{name}")
    async def static(name: str, v: Text = "") -> Response:
        if name not in STATIC:
            raise DataError("there is no such file")
        content, digest = _static(name)
        kept = {"Cache-Control": "public, max-age=31536000, immutable"} if v == digest else {}
        return Response(content, headers=kept, media_type=STATIC[name])
