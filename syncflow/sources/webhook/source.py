"""A webhook as a source: checks who sends, and turns requests into events.

200 is a promise: every event of the request is durable. Any other answer: none was promised, send again. A request
whose events were handed on already and whose answer is late gets 503; sent again its events come twice, which is what
an event id in the envelope is for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from syncflow.config.models.routes import SourceSettings
from syncflow.config.models.source_webhook import WebhookSource
from syncflow.config.webhook_settings import WEBHOOK_PATH
from syncflow.errors import DataError, ProjectError, UnavailableError
from syncflow.events import Item, Json, Position, Raw
from syncflow.sources.traceparent import is_traceparent
from syncflow.sources.webhook.arrival import Arrivals
from syncflow.sources.webhook.bodies import Entry, TooLargeError, check_entries, entries_of
from syncflow.sources.webhook.connections import Connections
from syncflow.sources.webhook.connections import most_connections as default_most
from syncflow.sources.webhook.contents import ContentError, json_text, with_request
from syncflow.sources.webhook.handshakes import Handshake, HandshakeAnswer, HandshakeRequest, is_signed_in
from syncflow.sources.webhook.refusals import RefusedError, Requests
from syncflow.sources.webhook.server import Server, address, app, bind, check_target
from syncflow.sources.webhook.signatures import SignatureCheck, SignedRequest
from syncflow.sources.webhook.tls import ServerCertificate
from syncflow.sources.webhook.waiting import PARTITION, Waiting

_log = logging.getLogger("syncflow")

_TURN = 500
"""Entries of one body that are taken apart before others have their turn: a few milliseconds."""

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


class Webhook:
    """One HTTP server with one path. ``port`` is where it listens, once open."""

    def __init__(
        self,
        settings: WebhookSource,
        *,
        base: Path = Path(),
        patience_seconds: float = 30.0,
        head_seconds: float = 10.0,
        most_connections: int | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``base``: the folder that files of certificates are relative to."""
        self._settings = settings
        self._base = base
        self._patience_seconds = patience_seconds
        self._now = now
        self.requests = Requests()
        """How many requests ended how."""
        self._connections = Connections(
            most=most_connections or default_most(), head_seconds=head_seconds, requests=self.requests
        )
        self._arrivals = Arrivals(max_body=settings.max_body, patience_seconds=patience_seconds)
        self._waiting = self._empty(last=0)
        self._signature: SignatureCheck | None = None
        self._shake: Handshake | None = None
        self._host, self._wanted_port = address(settings.listen)
        self._path = _plain_path(settings.path)
        self._methods = _methods(settings)
        self._proofs = _proofs(settings)
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Listen; positions go on after the acknowledged ones."""
        self._signature, self._shake = _signature_check(self._settings, now=self._now), _shake(self._settings)
        self._waiting = self._empty(last=acknowledged[PARTITION].offset if PARTITION in acknowledged else 0)
        tls = self._settings.tls
        certificate = None if tls is None else ServerCertificate(tls, base=self._base)
        listening = bind(self._host, self._wanted_port, listen=self._settings.listen)
        self.port = listening.getsockname()[1]
        self._server = Server(app(self.answer), self._connections, certificate=certificate)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]), name="webhook")
        self._serving.add_done_callback(lambda _: self._waiting.arrived.set())
        await self._server.ready.wait()
        scheme = "http" if tls is None else "https"
        _log.info("webhook.listening", extra={"fields": {"url": f"{scheme}://{self._reached()}{self._path}"}})

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Wait for events; empty only once the source is closed."""
        while not self._waiting:
            if self._waiting.closed:
                return ()
            if self._serving is None or self._serving.done():
                raise UnavailableError("source.webhook: the server has stopped")
            self._waiting.arrived.clear()
            await self._waiting.arrived.wait()
        return self._waiting.take(most)

    async def acknowledge(self, position: Position) -> None:
        """Answer the requests whose last event is durable now."""
        self._waiting.acknowledge(position.offset)

    async def close(self) -> None:
        """Stop listening; requests whose events are not durable by now get 503."""
        self._waiting.close()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            self._connections.close()
            await self._serving
            self._server = None

    def rotation(self, settings: Mapping[str, SourceSettings]) -> Callable[[], None]:
        """Return a call that uses other secrets, tokens and passwords; the port and what waits are left alone."""
        declared = next(each.webhook for each in settings.values() if each.webhook is not None)
        proving = {name: getattr(declared, name) for name in ("signature", "auth", "handshake")}
        changed = self._settings.model_copy(update=proving)
        signature, shake = _signature_check(changed, now=self._now), _shake(changed)

        def use() -> None:
            self._settings, self._signature, self._shake = changed, signature, shake
            self._proofs = _proofs(changed)

        return use

    @property
    def waiting(self) -> int:
        """How many events are accepted from the network and not yet read."""
        return len(self._waiting)

    async def answer(self, request: Request) -> Response:
        """Answer one request; many run at once."""
        try:
            check_target(request, path=self._path, methods=self._methods)
            answer = await self._answered(request)
        except RefusedError as refusal:
            self.requests[refusal.reason] += 1
            return refusal.answer()
        return answer

    async def _answered(self, request: Request) -> Response:
        shaken = self._handshake_of_a_stranger(request)
        if shaken is not None:
            return shaken
        self._check_proofs(request)
        self._check_sign_in(request)
        body = await self._arrivals.body(request)
        message_id = self._check_signature(body, request)
        text = self._json_text(body, request)
        shaken = self._handshake(text, request)
        if shaken is not None:
            return shaken
        events = await self._events(text, request)
        await self._waiting.until_durable(events, message_id=message_id, meta=_trace(request))
        self.requests["accepted"] += 1
        if self._settings.status == 204:
            return Response(status_code=204, headers={"content-type": "application/json"})
        broken = sum(bool(event.broken) for event in events)
        told = {"accepted": len(events) - broken} | ({"dead_letters": broken} if broken else {})
        return JSONResponse(told, status_code=self._settings.status)

    def _handshake_of_a_stranger(self, request: Request) -> Response | None:
        """Answer a handshake that proves nothing about its sender; any method but POST is nothing else."""
        shake = self._shake
        if shake is None or (request.method == "POST" and shake.declared.is_signed):
            return None
        answer = shake.answer(_asked(request, body=None))
        if answer is None and request.method != "POST":
            raise RefusedError("no_handshake", 403, "this is not the handshake that is expected")
        return self._shaken(answer)

    def _handshake(self, text: bytes, request: Request) -> Response | None:
        shake = self._shake
        if shake is None or not shake.declared.is_signed or shake.declared.method != "POST":
            return None
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return None  # the reader of events has the words
        return self._shaken(shake.answer(_asked(request, body=body)))

    def _shaken(self, answer: HandshakeAnswer | None) -> Response | None:
        """Return the answer so that no browser takes it for a page."""
        if answer is None:
            return None
        self.requests["handshake"] += 1
        headers = {"content-type": answer.content_type, "x-content-type-options": "nosniff", **answer.headers}
        return Response(answer.text, status_code=answer.status, headers=headers)

    def _check_proofs(self, request: Request) -> None:
        """Refuse a proof that is sent twice: another reader on the way may have believed the other one."""
        for name in self._proofs:
            if len(request.headers.getlist(name)) > 1:
                raise RefusedError("repeated_header", 400, f"the header {name} was sent more than once")

    def _check_sign_in(self, request: Request) -> None:
        auth = self._settings.auth
        if auth is not None and not is_signed_in(auth, request.headers.get("authorization", "")):
            raise RefusedError("not_signed_in", 401, "the sign-in is missing or wrong")

    def _check_signature(self, body: bytes, request: Request) -> str:
        """Return the message's id, empty where none is declared."""
        declared, check = self._settings.signature, self._signature
        if declared is None or check is None:
            return ""
        signed = SignedRequest(
            body,
            request.headers,
            method=request.method,
            path=request.scope["raw_path"].decode("ascii"),
            query=request.scope["query_string"].decode("ascii"),
        )
        reason = check.reason_to_refuse(signed)
        if reason is not None:
            raise RefusedError(reason, 401, f"{declared.header} is missing or is not the signature of this body")
        return check.message_id(signed)

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
            raise RefusedError(error.reason, error.status, error.message) from error

    async def _events(self, body: bytes, request: Request) -> Sequence[Entry]:
        most, events = self._settings.max_event, []
        try:
            for entry in entries_of(body, is_lines=_content_type(request) in _LINES, max_event=most):
                events.append(entry)
                if len(events) % _TURN == 0:
                    await asyncio.sleep(0)
            check_entries(events, max_event=most)
        except TooLargeError as error:
            raise RefusedError("too_large", 413, error.message) from error
        except DataError as error:
            raise RefusedError("not_json", 400, error.message) from error
        if not self._settings.headers:
            return events
        seen = _request_data(request, headers=self._settings.headers)
        return [entry if entry.broken else Entry(with_request(entry.body, seen)) for entry in events]

    def _empty(self, *, last: int) -> Waiting:
        return Waiting(last=last, max_body=self._settings.max_body, patience_seconds=self._patience_seconds)

    def _reached(self) -> str:
        return f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"


def _signature_check(settings: WebhookSource, *, now: Callable[[], float]) -> SignatureCheck | None:
    declared = settings.signature
    if declared is None:
        return None
    name = "secret" if declared.key_algorithm is None else "public_key"
    if not (declared.secrets or declared.public_keys):
        raise ProjectError(f"source.webhook.signature.{name} is empty", hint="set the variable that it is read from")
    try:
        return SignatureCheck(declared, now=now)
    except ValueError as error:
        raise ProjectError(f"source.webhook.signature.{name}: {error}") from error


def _shake(settings: WebhookSource) -> Handshake | None:
    if settings.handshake is None:
        return None
    secrets = settings.signature.secrets if settings.signature else ()
    return Handshake(settings.handshake, secret=next(iter(secrets), ""))


def _methods(settings: WebhookSource) -> Sequence[str]:
    shake = settings.handshake
    return ("POST",) if shake is None or shake.method == "POST" else ("POST", shake.method)


def _asked(request: Request, *, body: Json) -> HandshakeRequest:
    return HandshakeRequest(request.method, dict(request.query_params), dict(request.headers), body)


def _proofs(settings: WebhookSource) -> Sequence[str]:
    """Return the headers that prove who sends, and when."""
    signature = settings.signature
    signed = () if signature is None else (signature.header, signature.timestamp, signature.id)
    return [name for name in (*signed, "Authorization" if settings.auth else None) if name]


def _trace(request: Request) -> Item | None:
    """Return what is kept beside the events of a request: of which trace it is, if of one."""
    given = request.headers.getlist("traceparent")
    return {"headers": {"traceparent": given[0]}} if len(given) == 1 and is_traceparent(given[0]) else None


def _request_data(request: Request, *, headers: Sequence[str]) -> dict[str, Json]:
    """Return the field ``request`` of events; absent headers are absent, repeated ones are joined as HTTP joins them."""
    names = [name.lower() for name in headers if name.lower() in request.headers]
    return {
        "headers": {name: ", ".join(request.headers.getlist(name)) for name in names},
        "path": request.scope["path"],
        "query": dict(request.query_params),
    }


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _plain_path(path: str) -> str:
    if not WEBHOOK_PATH.fullmatch(path):
        raise ProjectError(f"source.webhook.path: expected a path such as /events, found {path!r}")
    return path
