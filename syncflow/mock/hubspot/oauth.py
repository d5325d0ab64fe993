"""The token endpoints. Private-app tokens need none of this."""

from __future__ import annotations

from typing import Any

from ..settings import HubspotSettings
from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot

routes = Routes()


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
