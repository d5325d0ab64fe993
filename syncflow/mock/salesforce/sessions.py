"""Access tokens: each is a session that ends when it has not been used for a while."""

from __future__ import annotations

import time

from ..settings import SalesforceSettings
from ..system import SETTLED
from ..wire import Call
from .problems import EXPIRED, Problem, RefusedError


class Sessions:
    """The open sessions. The token of the settings is always good."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self.settings = settings
        self._ends: dict[str, float] = {}
        self._uses: dict[str, int] = {}
        self._opened = 0

    def open(self) -> str:
        """Open a session; its access token."""
        self._opened += 1
        token = f"00DHp0000000001!AQ.mock{self._opened:08d}"
        self._ends[token] = time.monotonic() + self.settings.session_seconds
        return token

    def check(self, call: Call) -> None:
        """Refuse a call that brings no token of an open session."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind.lower() not in {"bearer", "oauth"} or not token:
            raise RefusedError(401, Problem("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", None))
        if token == self.settings.token:
            return
        now = time.monotonic()
        if self._ends.get(token, 0) <= now:
            self._ends.pop(token, None)
            raise RefusedError(401, EXPIRED)
        self._ends[token] = now + self.settings.session_seconds
        self._uses[token] = self._uses.get(token, 0) + 1

    def settled(self, call: Call) -> bool:
        """Whether the session of a call is open and no longer new."""
        token = call.headers.get("authorization", "").partition(" ")[2]
        return token in self._ends and self._uses.get(token, 0) >= SETTLED

    def close(self, token: str) -> None:
        """End one session."""
        self._ends.pop(token, None)

    def expire(self) -> None:
        """End all sessions."""
        self._ends.clear()
