"""The token endpoint: client credentials, password, refresh token, JWT bearer (whose signature is not checked)."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import orjson

from ..wire import Answer, Call, Routes, json_answer
from .entity import USER_ID
from .org import Salesforce

ORG_ID = "00DHp0000000001MAA"
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
routes = Routes()


class _NoGrantError(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


@routes.on("POST", "/services/oauth2/token")
def token(org: Salesforce, call: Call) -> Answer:
    """Sign in."""
    form = call.form()
    try:
        return json_answer(200, _granted(org, call, form))
    except _NoGrantError as refused:
        return json_answer(400, refused.body)


@routes.on("POST", "/services/oauth2/revoke")
def revoke(org: Salesforce, call: Call) -> Answer:
    """Sign out."""
    org.sessions.close(call.form().get("token", ""))
    return Answer(200)


@routes.on("GET", "/id/{organization}/{user}")
def identity(org: Salesforce, call: Call, organization: str, user: str) -> Answer:
    """Tell who has signed in."""
    org.sessions.check(call)
    told = {"user_id": user, "organization_id": organization, "username": "demo@example.com", "active": True}
    return json_answer(200, {"id": call.base_url + call.path, "asserted_user": True, **told})


def _granted(org: Salesforce, call: Call, form: dict[str, str]) -> dict[str, Any]:
    grant = form.get("grant_type", "")
    if grant not in {"client_credentials", "password", "refresh_token", _JWT}:
        raise _NoGrantError("unsupported_grant_type", "grant type not supported")
    if grant == _JWT:
        _check_assertion(org, form)
    else:
        _check_client(org, call, form, secret_needed=grant != "refresh_token")
    if grant == "password" and not (form.get("username") and form.get("password")):
        raise _NoGrantError("invalid_grant", "authentication failure")
    if grant == "refresh_token" and not form.get("refresh_token", "").startswith(("demo", "5Aep")):
        raise _NoGrantError("invalid_grant", "expired access/refresh token")
    answer = {
        "access_token": org.sessions.open(),
        "signature": "bW9jayBzaWduYXR1cmU=",
        "scope": "api",
        "instance_url": call.base_url,
        "id": f"{call.base_url}/id/{ORG_ID}/{USER_ID}",
        "token_type": "Bearer",
        "issued_at": str(int(time.time() * 1000)),
    }
    if grant == _JWT:
        del answer["signature"], answer["issued_at"]
    return answer


def _check_client(org: Salesforce, call: Call, form: dict[str, str], *, secret_needed: bool) -> None:
    client, secret = _basic(call) or (form.get("client_id"), form.get("client_secret"))
    if client != org.settings.client_id:
        raise _NoGrantError("invalid_client_id", "client identifier invalid")
    if secret != org.settings.client_secret and (secret_needed or secret):
        raise _NoGrantError("invalid_client", "invalid client credentials")


def _basic(call: Call) -> tuple[str, str] | None:
    kind, _, code = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(code, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _NoGrantError("invalid_client", "invalid client credentials") from None
    return client, secret


def _check_assertion(org: Salesforce, form: dict[str, str]) -> None:
    claims = _claims(form.get("assertion", ""))
    if claims.get("iss") != org.settings.client_id:
        raise _NoGrantError("invalid_client_id", "client identifier invalid")
    ends = claims.get("exp")
    if not claims.get("sub") or not claims.get("aud") or not isinstance(ends, (int, float)) or ends < time.time():
        raise _NoGrantError("invalid_grant", "invalid assertion")


def _claims(assertion: str) -> dict[str, Any]:
    try:
        _, claims, _ = assertion.split(".")
        found = orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, dict):
        raise _NoGrantError("invalid_grant", "invalid assertion")
    return found
