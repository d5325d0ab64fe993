"""A request of a webhook → the answer to its handshake, if it is one; and whether its sign-in is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from syncflow.compiler.code import compile_path
from syncflow.compiler.code.scopes import UNCHECKED
from syncflow.compiler.values import is_true
from syncflow.config.models.handshakes import WebhookAuth, WebhookHandshake
from syncflow.errors import DataError
from syncflow.events import Json

_LONGEST_ANSWER = 4096


class Handshake:
    """The compiled handshake; ``secret`` signs answers that want it."""

    def __init__(self, declared: WebhookHandshake, *, secret: str) -> None:
        self.declared = declared
        self._secret = secret
        self._when = compile_path(declared.when or "", UNCHECKED)
        self._answer = compile_path(declared.answer or "", UNCHECKED)
        self._token_at = compile_path(declared.token_at, UNCHECKED) if declared.token_at else None

    def answer(self, *, method: str, query: Mapping[str, str], body: Json) -> tuple[str, str] | None:
        """Return the text and its content type; None where the request is no handshake, or one that is not answered."""
        if method != self.declared.method:
            return None
        seen: dict[str, Json] = {"query": dict(query), "body": body}
        try:
            if not is_true(self._when(seen)) or not self._has_token(seen):
                return None
            text = self._answer(seen)
        except DataError:
            return None
        if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _LONGEST_ANSWER:
            return None
        return self._written(text)

    def _has_token(self, seen: Mapping[str, Json]) -> bool:
        if self._token_at is None:
            return True
        found = self._token_at(dict(seen))
        return isinstance(found, str) and hmac.compare_digest(found.encode(), (self.declared.token or "").encode())

    def _written(self, text: str) -> tuple[str, str]:
        if self.declared.answer_field is None:
            return text, "text/plain; charset=utf-8"
        fields = {self.declared.answer_field: text}
        if self.declared.hmac_field is not None:
            fields[self.declared.hmac_field] = hmac.digest(self._secret.encode(), text.encode(), hashlib.sha256).hex()
        return json.dumps(fields), "application/json"


def is_signed_in(declared: WebhookAuth, authorization: str) -> bool:
    """Return whether an ``Authorization`` header holds one of the tokens or passwords; every one is compared."""
    basic = [base64.b64encode(each.encode()).decode() for each in declared.basic]
    scheme, _, given = authorization.partition(" ")
    known = {"bearer": declared.bearer, "basic": basic}.get(scheme.lower(), ())
    return sum(hmac.compare_digest(given.strip().encode(), each.encode()) for each in known) > 0
