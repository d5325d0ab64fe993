"""The ``webhook`` source: events by HTTP POST, answered once they are in the journal.

200 is a promise: every event of the request is durable. Any other answer: none was promised, send again. A request
whose events were handed on already and whose answer is late gets 503; sent again its events come twice, which is what
an event id in the envelope is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from syncflow.config.models.routes import WebhookSource
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.events import Json, Position, Raw
from syncflow.sources.bodies import events_of
from syncflow.sources.connections import LARGEST_HEAD_BYTES, Connections
from syncflow.sources.connections import most_connections as default_most
from syncflow.sources.contents import ContentError, json_text, with_request
from syncflow.sources.handshakes import Handshake, is_signed_in
from syncflow.sources.signatures import SignatureCheck, SignedRequest

_log = logging.getLogger("syncflow")

_PARTITION = "webhook"
_MOST_WAITING = 10_000
"""Events accepted from the network and not yet read; past it senders are asked to come back."""

_BODIES_IN_MEMORY = 40
"""Bodies of ``max_body`` that may arrive at once; more bytes than that are refused."""

_GRACE_SECONDS = 5.0
_SLOWEST_BYTES_PER_SECOND = 1000
"""A body that arrives slower than this, after the grace, is given up."""

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


class Webhook:
    """One HTTP server with one path. ``port`` is where it listens, once open."""

    def __init__(
        self,
        settings: WebhookSource,
        *,
        patience_seconds: float = 30.0,
        head_seconds: float = 10.0,
        most_connections: int | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._connections = Connections(most=most_connections or default_most(), head_seconds=head_seconds)
        self._now = now
        self._signature: SignatureCheck | None = None
        self._shake: Handshake | None = None
        self._host, self._wanted_port = _address(settings.listen)
        self._path = _plain_path(settings.path)
        self._waiting: deque[Raw] = deque()
        self._waiting_bytes = 0
        self._unanswered: deque[_Unanswered] = deque()
        self._last = 0
        self._arriving_bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Listen; positions go on after the acknowledged ones."""
        if self._settings.signature is not None and not self._settings.signature.secrets:
            raise ProjectError("source.webhook.signature.secret is empty", hint="set the variable that it is read from")
        self._signature = self._signature_check()
        if self._settings.handshake is not None:
            secrets = self._settings.signature.secrets if self._settings.signature else ()
            self._shake = Handshake(self._settings.handshake, secret=next(iter(secrets), ""))
        self._last = acknowledged[_PARTITION].offset if _PARTITION in acknowledged else 0
        listening = self._bind()
        self.port = listening.getsockname()[1]
        self._server = _Server(_app(self.receive, path=self._path, methods=self._methods()), self._connections)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]), name="webhook")
        self._serving.add_done_callback(lambda _: self._arrived.set())
        await self._server.ready.wait()
        _log.info("webhook.listening", extra={"fields": {"url": f"http://{self._reached()}{self._path}"}})

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Wait for events; empty only once the source is closed."""
        while not self._waiting:
            if self._closing:
                return ()
            if self._serving is None or self._serving.done():
                raise UnavailableError("source.webhook: the server has stopped")
            self._arrived.clear()
            await self._arrived.wait()
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._waiting_bytes -= sum(len(raw.body) for raw in taken)
        return taken

    async def acknowledge(self, position: Position) -> None:
        """Answer the requests whose last event is durable now."""
        while self._unanswered and self._unanswered[0].last <= position.offset:
            self._unanswered.popleft().settle(durable=True)

    async def close(self) -> None:
        """Stop to listen; what is not durable by now gets 503."""
        self._closing = True
        self._arrived.set()
        while self._unanswered:
            self._unanswered.popleft().settle(durable=False)
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._server = None

    @property
    def waiting(self) -> int:
        """How many events are accepted from the network and not yet read."""
        return len(self._waiting)

    async def receive(self, request: Request) -> Response:
        """Answer one POST; many run at once."""
        try:
            shaken = self._handshake_of_a_stranger(request)
            if shaken is not None:
                return shaken
            self._check_sign_in(request)
            body = await self._body(request)
            message_id = self._check_signature(body, request)
            text = self._json_text(body, request)
            shaken = self._handshake(text, request)
            if shaken is not None:
                return shaken
            events = self._events(text, request)
            await self._take(events, message_id=message_id)
        except _RefusedError as refusal:
            return refusal.answer()
        return JSONResponse({"accepted": len(events)})

    def _handshake_of_a_stranger(self, request: Request) -> Response | None:
        """Answer a handshake that proves nothing about its sender; a GET is nothing else."""
        shake = self._shake
        if shake is None or (request.method == "POST" and shake.declared.is_signed):
            return None
        answer = shake.answer(method=request.method, query=request.query_params, body=None)
        if answer is None and request.method == "GET":
            raise _RefusedError(403, "this is not the handshake that is expected")
        return _plain(answer)

    def _handshake(self, text: bytes, request: Request) -> Response | None:
        shake = self._shake
        if shake is None or not shake.declared.is_signed or shake.declared.method != "POST":
            return None
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return None  # the reader of events has the words
        return _plain(shake.answer(method="POST", query=request.query_params, body=body))

    def _check_sign_in(self, request: Request) -> None:
        auth = self._settings.auth
        if auth is not None and not is_signed_in(auth, request.headers.get("authorization", "")):
            raise _RefusedError(401, "the sign-in is missing or wrong")

    async def _body(self, request: Request) -> bytes:
        most = self._settings.max_body
        try:
            body = await self._arrived_body(request, most=most)
        except TimeoutError as error:
            raise _RefusedError(408, "the body did not arrive in time") from error
        except ClientDisconnect as error:
            raise _RefusedError(400, "the connection was closed before the end of the body") from error
        if body is None:
            raise _RefusedError(413, f"the body is larger than max_body, which is {most} bytes")
        return body

    async def _arrived_body(self, request: Request, *, most: int) -> bytes | None:
        """Return the body, or None as soon as it is known to be too large."""
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > most:
            return None
        body = bytearray()
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(start + min(self._patience_seconds, _GRACE_SECONDS)) as deadline:
                async for block in request.stream():
                    self._arriving_bytes += len(block)
                    body += block
                    if len(body) > most:
                        return None
                    if self._arriving_bytes > _BODIES_IN_MEMORY * most:
                        raise _RefusedError(503, "too many requests at once, send again later", retry_after_seconds=1)
                    allowed = _GRACE_SECONDS + len(body) / _SLOWEST_BYTES_PER_SECOND
                    deadline.reschedule(start + min(self._patience_seconds, allowed))
        finally:
            self._arriving_bytes -= len(body)
        return bytes(body)

    def _json_text(self, body: bytes, request: Request) -> bytes:
        try:
            return json_text(
                body,
                content_type=request.headers.get("content-type", ""),
                encoding=request.headers.get("content-encoding", ""),
                most=self._settings.max_body,
                form=self._settings.form,
            )
        except ContentError as error:
            raise _RefusedError(error.status, error.message) from error

    def _events(self, body: bytes, request: Request) -> Sequence[bytes]:
        most = self._settings.max_event
        try:
            events = events_of(body, is_lines=_content_type(request) in _LINES)
        except DataError as error:
            raise _RefusedError(400, error.message) from error
        for number, event in enumerate(events, start=1):
            if len(event) > most:
                raise _RefusedError(413, f"event {number} is larger than max_event, which is {most} bytes")
        if not self._settings.headers:
            return events
        seen = _request_data(request, headers=self._settings.headers)
        return [with_request(event, seen) for event in events]

    def _signature_check(self) -> SignatureCheck | None:
        declared = self._settings.signature
        try:
            return None if declared is None else SignatureCheck(declared, now=self._now)
        except ValueError as error:
            raise ProjectError("source.webhook.signature: expected secrets in base64") from error

    def _check_signature(self, body: bytes, request: Request) -> str:
        """Return the message's id, empty where none is declared."""
        declared, check = self._settings.signature, self._signature
        if declared is None or check is None:
            return ""
        query = request.url.query
        signed = SignedRequest(body, request.headers, method=request.method, path=request.url.path, query=query)
        if check.reason_to_refuse(signed) is not None:
            raise _RefusedError(401, f"{declared.header} is missing or is not the signature of this body")
        return check.message_id(signed)

    async def _take(self, events: Sequence[bytes], *, message_id: str) -> None:
        """Hand the events on, and wait until the last is durable."""
        if self._closing:
            raise _RefusedError(503, "shutting down, send again later", retry_after_seconds=5)
        if not self._has_room(events):
            raise _RefusedError(503, "more events wait than can be taken, send again later", retry_after_seconds=1)
        request = self._enqueue(events, message_id=message_id)
        try:
            async with asyncio.timeout(self._patience_seconds):
                durable = await request.durable
        except TimeoutError:
            durable = False
            self._withdraw(request)
        if not durable:
            raise _RefusedError(503, "not stored in time, send again later", retry_after_seconds=5)

    def _has_room(self, events: Sequence[bytes]) -> bool:
        """A body larger than the bound is taken too, when nothing else waits."""
        size = self._waiting_bytes + sum(map(len, events))
        few = len(self._waiting) + len(events) <= _MOST_WAITING and size <= 4 * self._settings.max_body
        return few or not self._waiting

    def _enqueue(self, events: Sequence[bytes], *, message_id: str) -> _Unanswered:
        first = self._last + 1
        self._last += len(events)
        self._waiting.extend(
            Raw(Position(_PARTITION, first + index), event, event_id=_event_id(message_id, index))
            for index, event in enumerate(events)
        )
        self._waiting_bytes += sum(map(len, events))
        request = _Unanswered(first, self._last, asyncio.get_running_loop().create_future())
        self._unanswered.append(request)
        self._arrived.set()
        return request

    def _withdraw(self, request: _Unanswered) -> None:
        """Take back what was not handed on, so that the sender's repetition is the only one."""
        with contextlib.suppress(ValueError):  # close() has taken it already
            self._unanswered.remove(request)
        if self._waiting and self._waiting[0].position.offset <= request.first:
            kept = [raw for raw in self._waiting if not request.first <= raw.position.offset <= request.last]
            self._waiting = deque(kept)
            self._waiting_bytes = sum(len(raw.body) for raw in kept)

    def _methods(self) -> list[str]:
        shake = self._settings.handshake
        return ["POST", "GET"] if shake is not None and shake.method == "GET" else ["POST"]

    def _reached(self) -> str:
        return f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self._wanted_port), family=family)
        except OSError as error:
            why = (error.strerror or str(error)).partition(" (while")[0]
            raise ProjectError(
                f"source.webhook.listen: cannot listen on {self._settings.listen}: {why}",
                hint="choose another port, or 0 for any free one",
            ) from error


class _RefusedError(Exception):
    """An answer that promises nothing."""

    def __init__(self, status: int, why: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(why)
        self._status = status
        self._why = why
        self._headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}

    def answer(self) -> JSONResponse:
        return JSONResponse({"error": self._why}, status_code=self._status, headers=self._headers)


@dataclass(slots=True, eq=False)
class _Unanswered:
    """A request whose sender waits; the offsets of its events."""

    first: int
    last: int
    durable: asyncio.Future[bool]

    def settle(self, *, durable: bool) -> None:
        if not self.durable.done():
            self.durable.set_result(durable)


class _Server(uvicorn.Server):
    """Leaves signals to the run, and logs no request."""

    def __init__(self, app: FastAPI, connections: Connections) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=connections.make,  # type: ignore[arg-type]  # it is called as the class would be
                ws="none",
                backlog=max(8, min(100, connections.most // 4)),
                h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=5,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _app(receive: Callable[[Request], Awaitable[Response]], *, path: str, methods: list[str]) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_api_route(path, receive, methods=methods, response_model=None)
    return app


def _plain(answer: tuple[str, str] | None) -> Response | None:
    """Return the answer so that no browser takes it for a page."""
    if answer is None:
        return None
    text, content_type = answer
    return Response(text, headers={"content-type": content_type, "x-content-type-options": "nosniff"})


def _request_data(request: Request, *, headers: Sequence[str]) -> dict[str, Json]:
    """Return what events say of their request; absent headers are absent."""
    names = [name.lower() for name in headers if name.lower() in request.headers]
    return {
        "headers": {name: request.headers[name] for name in names},
        "path": request.url.path,
        "query": dict(request.query_params),
    }


def _event_id(message_id: str, index: int) -> str:
    return f"{message_id}#{index + 1}" if message_id and index else message_id


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ProjectError(f"source.webhook.listen: expected HOST:PORT such as 127.0.0.1:8080, found {listen!r}")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  # ":8080" asks for every interface


def _plain_path(path: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", path):
        raise ProjectError(f"source.webhook.path: expected a path such as /events, found {path!r}")
    return path
