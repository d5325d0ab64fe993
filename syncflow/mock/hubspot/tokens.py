"""The tokens of an account: that of a private app stays, those given out expire."""

from __future__ import annotations

import time

from ..settings import HubspotSettings
from ..system import SETTLED
from ..wire import Call
from .problems import Problem, RefusedError

_UNSIGNED = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


class Tokens:
    """The tokens given out, and when they end."""

    def __init__(self, settings: HubspotSettings) -> None:
        self.settings = settings
        self._ends: dict[str, float] = {}
        self._uses: dict[str, int] = {}
        self._given = 0

    def give(self) -> str:
        """Give out a token."""
        self._given += 1
        token = f"mock-token-{self._given:08d}"
        self._ends[token] = time.monotonic() + self.settings.token_seconds
        return token

    def check(self, call: Call) -> None:
        """Refuse a call that brings no good token."""
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token == self.settings.token:
            return
        ends = self._ends.get(token) if kind.lower() == "bearer" else None
        if ends is None:
            raise RefusedError(Problem(401, "INVALID_AUTHENTICATION", _UNSIGNED))
        since = time.monotonic() - ends
        if since >= 0:
            raise RefusedError(expired(since))
        self._uses[token] = self._uses.get(token, 0) + 1

    def settled(self, call: Call) -> bool:
        """Whether the token of a call was given out here and is no longer new."""
        return self._uses.get(call.headers.get("authorization", "").partition(" ")[2], 0) >= SETTLED

    def expire(self) -> None:
        """End all tokens now."""
        self._ends = dict.fromkeys(self._ends, time.monotonic())


def expired(seconds: float) -> Problem:
    """A token that ended some time ago."""
    text = f"The OAuth token used to make this call expired {int(seconds // 60)} minute(s) ago."
    return Problem(401, "EXPIRED_AUTHENTICATION", text, (), {"expire time": [str(int(seconds))]})
