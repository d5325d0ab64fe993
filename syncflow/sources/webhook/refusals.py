"""Answers that promise nothing, each with its reason: for the sender as a status and a sentence, for operators as a count.

A sentence repeats nothing of the request.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

from starlette.responses import JSONResponse, Response

Reason: TypeAlias = Literal[
    "no_signature",
    "bad_signature",
    "too_old",
    "repeated_header",
    "not_signed_in",
    "no_handshake",
    "no_such_path",
    "method",
    "not_http",
    "slow_head",
    "slow_body",
    "cut_off",
    "too_large",
    "encoding",
    "not_json",
    "no_tls",
    "connections",
    "full",
    "not_stored",
    "closing",
]
"""Why a request was refused, as a label of a metric."""


class RefusedError(Exception):
    """An answer that promises nothing."""

    def __init__(
        self,
        reason: Reason,
        status: int,
        sentence: str,
        *,
        retry_after_seconds: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = status
        self.sentence = sentence
        self._headers = dict(headers or {})
        if retry_after_seconds is not None:
            self._headers["Retry-After"] = str(retry_after_seconds)

    def answer(self) -> Response:
        return JSONResponse({"error": self.sentence}, status_code=self.status, headers=self._headers)


class Requests(Counter[str]):
    """How many requests ended how: ``accepted``, ``handshake``, or the reason of a refusal."""
