"""The console's application: pages and API behind the guard, and what becomes of an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from syncflow.console.acting import ActionError
from syncflow.console.api import api
from syncflow.console.asking import Asking
from syncflow.console.guard import App, Guard, Message, Receive, Scope, Send
from syncflow.console.live import Pulse
from syncflow.console.pages import Pages, pages
from syncflow.console.plan_pages import plan_api, plan_pages
from syncflow.console.playground_api import playground_api
from syncflow.errors import DataError, UnavailableError
from syncflow.runtime.observe import warn

DESCRIPTION = "What flows, what waits and why, what was given up. Everything but the actions only reads."


def create_app(asking: Asking, *, pulse: Pulse | None = None) -> App:
    """Return the application of one console."""
    beat = pulse or Pulse(look_of(asking))
    app = FastAPI(
        title="syncflow console",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    shows = Pages(asking)
    app.include_router(api(asking, beat))
    app.include_router(playground_api(asking))
    app.include_router(plan_api(asking))
    marked = [Depends(_marked(look_of(asking)))]
    app.include_router(pages(asking, shows), dependencies=marked)
    app.include_router(plan_pages(asking, shows), dependencies=marked)
    _explain_errors(app, shows)
    settings = asking.settings
    guarded = Guard(
        app, access=settings.access, hosts=settings.hosts, user_header=settings.user_header, clock=asking.clock
    )
    return _bulkhead(guarded)


def look_of(asking: Asking) -> Callable[[], str]:
    """Return what tells that there is something new to see: the journal's pulse, the plan, and the counts of the run."""

    def look() -> str:
        beat = asking.desk.pulse() if asking.plans is None else f"{asking.desk.pulse()}_{asking.plans.version}"
        if asking.tally is None:
            return beat
        tally = asking.tally()
        requests = sum(system.requests for system in tally.systems.values())
        return f"{beat}_{tally.read}_{tally.open}_{tally.dead_letters}_{requests}"

    return look


def _marked(look: Callable[[], str]) -> Callable[[Request], Awaitable[None]]:
    """Return what notes, before a page is made, what it will show: what changes from then on is told by the stream."""

    async def mark(request: Request) -> None:
        request.state.version = look()

    return mark


def _explain_errors(app: FastAPI, shows: Pages) -> None:
    def answer(request: Request, status: int, message: str, hint: str = "") -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": message} | ({"hint": hint} if hint else {}), status)
        return shows.plain(request, "trouble", status, number=status, message=message, hint=hint)

    async def unavailable(request: Request, error: Any) -> Response:
        response = answer(request, 503, error.message, error.hint)
        response.headers["Retry-After"] = "2"
        return response

    async def missing(request: Request, error: Any) -> Response:
        return answer(request, 404, error.message, error.hint)

    async def refused(request: Request, error: Any) -> Response:
        return answer(request, error.status, error.words)

    async def wrong(request: Request, error: Any) -> Response:
        places = ", ".join(sorted({str(each["loc"][-1]) for each in error.errors()}))
        return answer(request, 400, f"expected other values for: {places[:100]}")

    async def http(request: Request, error: Any) -> Response:
        return answer(
            request, error.status_code, "there is no such page" if error.status_code == 404 else str(error.detail)
        )

    async def bug(request: Request, error: Any) -> Response:
        warn(
            "console.failed",
            error=type(error).__name__,
            path=request.scope["route"].path if "route" in request.scope else "",
        )
        return answer(
            request,
            500,
            "the console failed to answer this",
            "the log names the kind of error; the run is not touched by it",
        )

    app.add_exception_handler(UnavailableError, unavailable)
    app.add_exception_handler(DataError, missing)
    app.add_exception_handler(ActionError, refused)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, bug)


def _bulkhead(app: App) -> App:
    """Keep a bug of the console to itself: it was answered and logged by its kind; its words may hold what an event held."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001  # a bug here must not end the run that the console is part of
            if not started:
                warn("console.failed", error=type(error).__name__, path="")
                await JSONResponse({"error": "the console failed to answer this"}, 500)(scope, receive, send)

    return guarded
