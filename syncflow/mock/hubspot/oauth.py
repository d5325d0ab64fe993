"""The token endpoints. Private-app tokens need none of this; tokens given out here expire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..settings import HubspotSettings
from ..system import SETTLED
from ..wire import Answer, Call, Routes, json_answer
from .problems import Problem, RefusedError

if TYPE_CHECKING:
    from .portal import Hubspot

_UNSIGNED = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
routes = Routes()


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


@routes.on("POST", "/oauth/{version}/token")
def token(portal: Hubspot, call: Call, version: str) -> Answer:
    """Get a token."""
    form = call.form()
    refusal = _refusal(portal.settings, form)
    if refusal is not None:
        status, description = refusal
        error = "invalid_client" if status.startswith("BAD_CLIENT") else "invalid_grant"
        body = {"status": status, "message": description, "error": error, "error_description": description}
        return json_answer(400, body)
    answer: dict[str, Any] = {"access_token": portal.tokens.give(), "refresh_token": portal.settings.refresh_token}
    return json_answer(200, {**answer, "expires_in": int(portal.settings.token_seconds), "token_type": "bearer"})


def _refusal(settings: HubspotSettings, form: dict[str, str]) -> tuple[str, str] | None:
    grant = form.get("grant_type")
    if grant not in {"authorization_code", "refresh_token", "client_credentials"}:
        return "BAD_GRANT_TYPE", "grant_type is missing or not supported"
    if form.get("client_id") != settings.client_id:
        return "BAD_CLIENT_ID", "missing or unknown client id"
    if form.get("client_secret") != settings.client_secret:
        return "BAD_CLIENT_SECRET", "missing or invalid client secret"
    if grant == "refresh_token" and form.get("refresh_token") != settings.refresh_token:
        return "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked"
    if grant == "authorization_code" and not form.get("code"):
        return "BAD_AUTH_CODE", "missing or unknown auth code"
    return None
