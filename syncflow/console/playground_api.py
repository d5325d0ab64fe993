"""The playground as JSON: its files, a sample event, and a try. Nothing is written or sent; a look at a real event is logged."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from syncflow.console.acting import check_form
from syncflow.console.asking import Asking, Text
from syncflow.console.guard import PLAYGROUND, VISITOR
from syncflow.console.playground import Playground
from syncflow.console.words import pretty
from syncflow.errors import DataError
from syncflow.runtime.observe import note

_LOOK = 50
"""Events of the journal among which one is looked for."""


def playground_api(asking: Asking) -> APIRouter:
    """Return the routes of the playground."""
    router = APIRouter()

    @router.get(PLAYGROUND, summary="The mappings, schemas and objects of the project, to be tried.")
    async def files() -> Any:
        return JSONResponse(await _playground(asking).ask({}))

    @router.get(
        f"{PLAYGROUND}/sample", summary="An event to try: `journal` (the newest; this is logged), `file` or `made_up`."
    )
    async def sample(request: Request, source: Text = "made_up", kind: Text = "") -> Any:
        if source == "journal":
            note("console.shown", by=request.scope[VISITOR].by, page="playground", number=None)
            return JSONResponse({"event": await _newest(asking, kind)})
        asked = "file" if source == "file" else f"made_up {kind}"
        return JSONResponse(await _playground(asking).ask({"sample": asked}))

    @router.post(
        PLAYGROUND,
        summary="Try `texts` (file: text) with `event` (a text): diagnostics, values, requests. Nothing is sent.",
    )
    async def attempt(request: Request) -> Any:
        check_form(request.scope[VISITOR], request.headers.get("x-console-check", ""))
        return JSONResponse(await _playground(asking).ask(_read(await request.body())))

    return router


def _playground(asking: Asking) -> Playground:
    if asking.playground is None:
        raise DataError("this console has no playground", hint="it is started with a project's routes file")
    return asking.playground


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    texts, event = (found.get("texts"), found.get("event")) if isinstance(found, dict) else (None, None)
    if (
        not isinstance(texts, dict)
        or not isinstance(event, str)
        or not all(isinstance(text, str) for text in texts.values())
    ):
        raise DataError('expected {"texts": {file: text}, "event": text}')
    return {"texts": texts, "event": event}


async def _newest(asking: Asking, kind: str) -> str:
    """Return the newest event of the journal that was routed, of a kind of record where one is given."""
    page = await asking.ask(partial(asking.desk.events, state="routed", before=None, most=_LOOK))
    found = next((row for row in page.rows if row["record"] and kind in ("", row["kind"])), None)
    if found is None:
        raise DataError("the journal holds no such event", hint="take one that is made up")
    name = f"{found['kind']} {found['record']}"
    trail = await asking.ask(partial(asking.desk.trail, name, before=found["seq"] + 1, most=1))
    raw = next((row["raw"] for row in trail["events"]), "")
    if not raw:
        raise DataError("the journal holds no such event", hint="take one that is made up")
    return pretty(raw)
