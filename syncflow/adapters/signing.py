"""Requests signed as a whole: AWS Signature Version 4 and OAuth 1.0a (RFC 5849). The home of botocore's signer and of oauthlib: extras.

A signature covers the method, the address and what else is sent, so it is made last, at the moment at which the request is sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

from syncflow.adapters.http import HttpRequest
from syncflow.compiler.wire.plans import SignaturePlan
from syncflow.errors import DataError

_FORM = "application/x-www-form-urlencoded"
_Headers = tuple[tuple[str, str], ...]


def signature_of(
    plan: SignaturePlan, given: Mapping[str, str], *, nonce: Callable[[], str] = lambda: secrets.token_hex(16)
) -> Callable[[HttpRequest, int], HttpRequest]:
    """Return what signs a request that is sent at a time (seconds since the epoch); ``given``: keys, secrets and names, rendered.

    Raises (what is returned):
        DataError: the library is not there, or nothing can be signed with what is given; neither tells any of it.
    """

    def signed(prepared: HttpRequest, at: int) -> HttpRequest:
        whole = replace(prepared, url=_with_plain_blanks(prepared.url))
        try:
            made = _aws(given, whole, at) if plan.kind == "aws" else _oauth1(plan, given, whole, at, nonce())
        except ImportError as error:
            message = f"signing needs a package that is not installed: syncflow[{plan.kind}]"
            raise DataError(message) from error
        except (ValueError, TypeError, KeyError):
            raise DataError("nothing can be signed with what the system gives") from None
        return replace(whole, headers=(*whole.headers, *made))

    return signed


def _with_plain_blanks(url: str) -> str:
    """Return an address whose query writes a blank as %20: both signatures are of that form."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=parts.query.replace("+", "%20"))) if "+" in parts.query else url


def _aws(given: Mapping[str, str], prepared: HttpRequest, at: int) -> _Headers:
    """Return the headers of Signature Version 4 ("Signing AWS API requests" of AWS's reference)."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415  # an extra
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    credentials = Credentials(given["access_key"], given["secret_key"])
    signer = SigV4Auth(credentials, given["service"], given["region"])
    date = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    made = [("X-Amz-Date", date)]
    if given.get("session_token"):
        made.append(("X-Amz-Security-Token", given["session_token"]))
    request = AWSRequest(
        method=prepared.method, url=prepared.url, headers=dict([*prepared.headers, *made]), data=prepared.body
    )
    request.context["timestamp"] = date
    text = signer.string_to_sign(request, signer.canonical_request(request))
    names = signer.signed_headers(signer.headers_to_sign(request))
    scope, signature = signer.scope(request), signer.signature(text, request)
    told = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
    return (*made, ("Authorization", told))


def _oauth1(plan: SignaturePlan, given: Mapping[str, str], prepared: HttpRequest, at: int, nonce: str) -> _Headers:
    from oauthlib.oauth1 import Client  # noqa: PLC0415  # an extra

    signer = Client(
        given["consumer_key"],
        client_secret=given["consumer_secret"],
        resource_owner_key=given.get("token") or None,
        resource_owner_secret=given.get("token_secret") or None,
        signature_method=plan.method,
        realm=given.get("realm") or None,
        nonce=nonce,
        timestamp=str(at),
    )
    is_form = dict(prepared.headers).get("Content-Type") == _FORM
    body = prepared.body.decode() if is_form else None
    headers = {"Content-Type": _FORM} if is_form else {}
    _, told, _ = signer.sign(prepared.url, http_method=prepared.method, body=body, headers=headers)
    return (("Authorization", told["Authorization"]),)
