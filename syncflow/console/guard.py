"""Every request passes here first, and every answer leaves through here.

In order: the name of the host, the method, another site's forms, the size and the time of a body, the sign-in. What is refused here
has reached no page. Answers carry headers that let a browser load nothing from elsewhere and run no script but the console's own file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from syncflow.console.access import Access, Visitor, comes_from_elsewhere, is_allowed_host, safe_name

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 65_536
MOST_PLAYGROUND_BYTES = 1_000_000
PLAYGROUND = "/api/playground"
BODY_SECONDS = 10.0
VISITOR = "syncflow.visitor"
"""Where a request's scope holds who asks."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_NAMED_WITH_SLASH = ("/routes/", "/api/routes/")
"""Where a name may hold a slash: a route out of a table is called ``contacts/crm``."""
_OPEN_PATHS = ("/sign-in", "/static/")


class Guard:
    """``hosts`` are names beside those of this machine; ``user_header`` is set by a proxy that signs people in before it asks here."""

    def __init__(
        self,
        app: App,
        *,
        access: Access,
        hosts: frozenset[str] = frozenset(),
        user_header: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._access = access
        self._hosts = frozenset(host.lower() for host in hosts)
        self._user_header = user_header.lower()
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sending = _with_headers(send)
        refused = self._refused(scope)
        if refused is None and scope["method"] == "POST":
            try:
                most = MOST_PLAYGROUND_BYTES if scope["path"] == PLAYGROUND else MOST_BODY_BYTES
                receive = await _whole_body(receive, most)
            except _BodyError as error:
                refused = PlainTextResponse(f"{error.words}\n", error.status, {"Connection": "close"})
        await (self._app if refused is None else refused)(scope, receive, sending)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_allowed_host(hosts[0], self._hosts):
            return PlainTextResponse("This console is not known by that name. docs/console.md: `hosts`\n", 421)
        if scope["method"] not in {"GET", "HEAD", "POST"}:
            return PlainTextResponse("expected GET or POST\n", 405, {"Allow": "GET, HEAD, POST"})
        raw = scope.get("raw_path", b"").lower()
        may_have_slash = scope["path"].startswith(_NAMED_WITH_SLASH)
        if (b"%2f" in raw and not may_have_slash) or b"%5c" in raw or b"%00" in raw or "/../" in f"{scope['path']}/":
            return PlainTextResponse("there is nothing at this path\n", 404)
        if scope["method"] == "POST" and comes_from_elsewhere(headers):
            return PlainTextResponse("forms of other sites are not accepted\n", 403)
        scope[VISITOR] = self._visitor(headers)
        path = scope["path"]
        if scope[VISITOR] is not None or path.startswith(_OPEN_PATHS):
            return None
        return _ask_to_sign_in(scope)

    def _visitor(self, headers: Headers) -> Visitor | None:
        now = self._clock()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return Visitor(self._name(headers, "a program")) if self._access.admits(token.strip(), now=now) else None
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._access.cookie)
        except CookieError:
            return None
        visitor = None if found is None else self._access.visitor(found.value, now=now)
        return None if visitor is None else Visitor(self._name(headers, visitor.by), visitor.check)

    def _name(self, headers: Headers, otherwise: str) -> str:
        told = headers.get(self._user_header, "") if self._user_header else ""
        return safe_name(told) if told else otherwise


def _ask_to_sign_in(scope: Scope) -> Response:
    path = scope["path"]
    if path.startswith("/api/") or scope["method"] == "POST":
        return JSONResponse(
            {"error": "sign in first", "hint": "Authorization: Bearer TOKEN"}, 401, {"WWW-Authenticate": "Bearer"}
        )
    query = scope.get("query_string", b"").decode("latin-1")
    asked = f"{path}?{query}" if query else path
    return RedirectResponse("/sign-in" if asked == "/" else f"/sign-in?next={quote(asked, safe='/')}", 303)


class _BodyError(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


async def _whole_body(receive: Receive, most: int) -> Receive:
    """Read a body to its end, within a size and a time; return what hands it on."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _BodyError(400, "the body was not sent to its end")
                body += message.get("body", b"")
                if len(body) > most:
                    raise _BodyError(413, f"expected at most {most:,} bytes")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise _BodyError(408, "the body did not arrive in time") from None
    handed = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return handed.pop() if handed else await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                if name != "Cache-Control" or name not in headers:  # files of the package may be kept
                    headers[name] = value
        await send(message)

    return sending
