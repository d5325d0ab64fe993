"""A request of a webhook and its declared signature → whether the signature is right.

The signature is declared by parts: the text that is signed (a template over the request), the header, how the signature
is written, and the header of the time. The template joins named parts and is compiled once; nothing of a request is
ever read as a template. A refusal repeats nothing of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from syncflow.config.models.signatures import SIGNED_PART, WebhookSignature
from syncflow.sources.webhook.refusals import Reason
from syncflow.sources.webhook.verifiers import verifier

_MOST_ENTRIES = 40
"""More entries of one header are not looked at."""

_LONGEST_ID = 500
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature may cover, as they were sent; ``headers`` finds names in any case."""

    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    path: str = "/"
    query: str = ""


class SignatureCheck:
    """The check of one declared signature. ``now`` returns seconds since the epoch.

    Raises:
        ValueError: a secret or a key is not written as it should be.
        ProjectError: a package is missing.
    """

    def __init__(self, declared: WebhookSignature, *, now: Callable[[], float]) -> None:
        self._declared = declared
        self._now = now
        self._verifier = verifier(declared)
        pieces = SIGNED_PART.split(declared.signed)  # text, name, text, name, …, text
        self._texts, self._names = [text.encode() for text in pieces[::2]], pieces[1::2]
        self._decoded = {f"%{ord(character):02X}": character for character in declared.url_decoded}

    def reason_to_refuse(self, request: SignedRequest) -> Reason | None:
        """Return why the request is refused; None where the signature is right."""
        header = request.headers.get(self._declared.header.lower(), "")
        if not header:
            return "no_signature"
        timestamp = self._timestamp(header, request)
        if self._has_timestamp and not self._is_recent(timestamp):
            return "too_old"
        signed = self._signed(request, timestamp=timestamp)
        return None if self._verifier.is_right(signed, self._signatures(header)) else "bad_signature"

    def message_id(self, request: SignedRequest) -> str:
        """Return the id by which a message that comes again is recognised; empty where none is declared."""
        return request.headers.get(self._declared.id.lower(), "")[:_LONGEST_ID] if self._declared.id else ""

    @property
    def _has_timestamp(self) -> bool:
        return self._declared.timestamp is not None or self._declared.timestamp_prefix is not None

    def _timestamp(self, header: str, request: SignedRequest) -> str:
        prefix = self._declared.timestamp_prefix
        if prefix is not None:
            return next((entry.removeprefix(prefix) for entry in self._entries(header) if entry.startswith(prefix)), "")
        return request.headers.get((self._declared.timestamp or "").lower(), "")

    def _is_recent(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
            return False
        seconds = int(timestamp) / (_MILLISECONDS if self._declared.timestamp_unit == "ms" else 1)
        return abs(self._now() - seconds) <= self._declared.tolerance

    def _signed(self, request: SignedRequest, *, timestamp: str) -> bytes:
        parts = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            parts += (self._part(name, request, timestamp=timestamp), text)
        return b"".join(parts)

    def _part(self, name: str, request: SignedRequest, *, timestamp: str) -> bytes:
        match name:
            case "body":
                return request.body
            case "timestamp":
                return timestamp.encode()
            case "method":
                return request.method.encode()
            case "path":
                return request.path.encode()
            case "url":
                return self._url(request).encode()
            case _:
                return request.headers.get((self._declared.id or "").lower(), "").encode()

    def _url(self, request: SignedRequest) -> str:
        target = f"{request.path}?{request.query}" if request.query else request.path
        if self._decoded:
            target = re.sub("%[0-9A-Fa-f]{2}", lambda found: self._decoded.get(found[0].upper(), found[0]), target)
        return (self._declared.public_url or "").rstrip("/") + target

    def _entries(self, header: str) -> list[str]:
        separator = self._declared.separator
        return [entry.strip() for entry in header.split(separator)][:_MOST_ENTRIES] if separator else [header]

    def _signatures(self, header: str) -> list[str]:
        prefix, any_case = self._declared.prefix, self._declared.encoding == "hex"
        return [
            entry[len(prefix) :]
            for entry in self._entries(header)
            if entry.startswith(prefix) or (any_case and entry[: len(prefix)].lower() == prefix.lower())
        ]
