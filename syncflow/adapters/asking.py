"""Asking for a long answer: a request, and then each further page of its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from syncflow.adapters.bodies import decode
from syncflow.adapters.http import HttpRequest, HttpResponse, NoResponse
from syncflow.adapters.pages import linked, next_of
from syncflow.compiler.wire.plans import PagesPlan
from syncflow.errors import DataError
from syncflow.events import Json

Exchange = Callable[[HttpRequest, str], Awaitable[HttpResponse | NoResponse]]


async def ask(
    exchange: Exchange,
    prepared: HttpRequest,
    group: str,
    pages: PagesPlan | None,
    *,
    again: Callable[[Json], HttpRequest],
) -> tuple[list[Json], HttpResponse | NoResponse]:
    """Send a request and ask for the pages of its answer; return the earlier pages' bodies and the last answer.

    ``again`` makes the request for the page that a cursor leads to. Raises DataError where it cannot.
    """
    answer = await exchange(prepared, group)
    bodies: list[Json] = []
    while pages is not None and isinstance(answer, HttpResponse):
        try:
            found = next_of(pages, answer, page=len(bodies) + 1)
            if found is None:
                break
            if len(bodies) + 1 >= pages.most:
                return bodies, replace(answer, broken=f"it has more than {pages.most} pages")
            prepared = linked(prepared, found, by_get=pages.by_get) if pages.link is not None else again(found)
        except DataError as error:
            return bodies, replace(answer, broken=f"its next page cannot be asked for: {error.message}")
        bodies.append(decode(answer)[0])
        answer = await exchange(prepared, group)
    return bodies, answer
