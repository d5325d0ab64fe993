"""A request of a webhook → the answer to its handshake, if it is one; and whether its sign-in is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from syncflow.compiler.expressions import compile_path
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.values import is_true
from syncflow.config.models.handshakes import WebhookAuth, WebhookHandshake
from syncflow.errors import DataError
from syncflow.events import Json

_LONGEST_ANSWER = 4096
_LONGEST_HEADER = 1024


@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """The parts of a request that a handshake reads; names of headers are in lower case, ``body`` is null where it is not JSON."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json = None


@dataclass(frozen=True, slots=True)
class HandshakeAnswer:
    """The answer that a sender expects."""

    text: str
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Handshake:
    """The compiled handshake; ``secret`` signs answers that want it."""

    def __init__(self, declared: WebhookHandshake, *, secret: str) -> None:
        self.declared = declared
        self._secret = secret
        self._when = compile_path(declared.when or "", UNCHECKED)
        self._answer = compile_path(declared.answer, UNCHECKED) if declared.answer else None
        self._token_at = compile_path(declared.token_at, UNCHECKED) if declared.token_at else None
        self._headers = {name: compile_path(text, UNCHECKED) for name, text in declared.answer_headers.items()}

    def answer(self, request: HandshakeRequest) -> HandshakeAnswer | None:
        """Return the answer; None where the request is no handshake, or one that is not answered."""
        if request.method != self.declared.method:
            return None
        seen: dict[str, Json] = {
            "query": dict(request.query),
            "headers": dict(request.headers),
            "body": request.body,
        }
        try:
            if not is_true(self._when(seen)) or not self._has_token(seen):
                return None
            text = "" if self._answer is None else _plain(self._answer(seen), most=_LONGEST_ANSWER)
            headers = {name: _plain(value(seen), most=_LONGEST_HEADER) for name, value in self._headers.items()}
        except DataError:
            return None
        if not all(value.isascii() for value in headers.values()):
            return None
        return HandshakeAnswer(*self._written(text), self.declared.status, headers)

    def _has_token(self, seen: Mapping[str, Json]) -> bool:
        if self._token_at is None:
            return True
        found = self._token_at(dict(seen))
        return isinstance(found, str) and hmac.compare_digest(found.encode(), (self.declared.token or "").encode())

    def _written(self, text: str) -> tuple[str, str]:
        """Return the body and its content type."""
        if self.declared.answer_field is None:
            return text, "text/plain; charset=utf-8"
        fields = {self.declared.answer_field: text}
        if self.declared.hmac_field is not None:
            fields[self.declared.hmac_field] = hmac.digest(self._secret.encode(), text.encode(), hashlib.sha256).hex()
        return json.dumps(fields), "application/json"


def _plain(value: Json, *, most: int) -> str:
    """Return text that may be sent back.

    Raises:
        DataError: it is no text, empty, too long, or has characters that cannot be printed (a line break ends a header).
    """
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= most:
        raise DataError("this is no text that can be sent back")
    return value


def is_signed_in(declared: WebhookAuth, authorization: str) -> bool:
    """Return whether an ``Authorization`` header holds one of the tokens or passwords; every one is compared."""
    basic = [base64.b64encode(each.encode()).decode() for each in declared.basic]
    scheme, _, given = authorization.partition(" ")
    known = {"bearer": declared.bearer, "basic": basic}.get(scheme.lower(), ())
    return sum(hmac.compare_digest(given.strip().encode(), each.encode()) for each in known) > 0
