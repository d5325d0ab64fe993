"""Checks of a webhook's settings before it listens: settings that pass open, but for a port that is in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.installed import is_installed
from syncflow.config.models.public_keys import KeyAlgorithm, decode_public_key
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.signatures import WebhookSignature, decoded_secret
from syncflow.config.models.source_webhook import WebhookSource
from syncflow.patterns import lazy_pattern

_ADDRESS = lazy_pattern(r"\S*:([0-9]{1,5})\Z", re.ASCII)
_LOOPBACK = lazy_pattern(r"(127\.[0-9.]+|\[?::1\]?|localhost):")
WEBHOOK_PATH = lazy_pattern(r"/[A-Za-z0-9._~/-]*")
"""A path that no client writes in two ways."""

_Place: TypeAlias = "tuple[str, ...]"


def check_webhook(
    routes: Document[RoutesFile],
    webhook: WebhookSource,
    at: _Place,
    *,
    is_installed: Callable[[str], bool] = is_installed,
) -> Iterator[Diagnostic]:
    """Yield the problems of a webhook's settings, which stand ``at`` a place of the file."""
    yield from _place(routes, webhook, at)
    yield from _certificates(routes, webhook, at)
    yield from _headers(routes, webhook, at)
    handshake = webhook.handshake
    if handshake is not None and handshake.hmac_field and (webhook.signature is None or not webhook.signature.secrets):
        expected = "`signature` with a secret, which signs the answer"
        yield routes.report("SF208", "`handshake` is not complete", *at, "handshake", at_key=True, expected=expected)
    if webhook.signature is not None:
        yield from _keys(routes, webhook.signature, (*at, "signature"), is_installed)
    yield from _open_to_all(routes, webhook, at)


def _place(routes: Document[RoutesFile], webhook: WebhookSource, at: _Place) -> Iterator[Diagnostic]:
    address = _ADDRESS.match(webhook.listen)
    if not routes.is_unset(*at, "listen") and (address is None or int(address[1]) > 65535):
        expected = "address:port, such as 127.0.0.1:8080"
        yield routes.report("SF205", "`listen` is not written like this", *at, "listen", expected=expected)
    if not routes.is_unset(*at, "path") and not WEBHOOK_PATH.fullmatch(webhook.path):
        expected = "a path such as /events: letters, digits and . _ ~ - between slashes"
        yield routes.report("SF205", "`path` is not written like this", *at, "path", expected=expected)


def _open_to_all(routes: Document[RoutesFile], webhook: WebhookSource, at: _Place) -> Iterator[Diagnostic]:
    is_proved = webhook.signature or webhook.auth or (webhook.tls and webhook.tls.client_ca)
    if is_proved or routes.is_unset(*at, "listen") or _LOOPBACK.match(webhook.listen):
        return
    message = f"every sender that reaches {webhook.listen} is believed"
    hint = "give `signature:` or `auth:`, or listen on 127.0.0.1"
    yield routes.report("SF223", message, *at, "listen", severity="warning", hint=hint)


def _certificates(routes: Document[RoutesFile], webhook: WebhookSource, at: _Place) -> Iterator[Diagnostic]:
    files = {} if webhook.tls is None else webhook.tls.model_dump(exclude_none=True, exclude={"password"})
    for name, file in files.items():
        place = (*at, "tls", name)
        if not routes.is_unset(*place) and not (routes.path.parent / file).is_file():
            expected = "a file (PEM), relative to this one"
            yield routes.report("SF515", f"there is no file {file}", *place, expected=expected)


def _headers(routes: Document[RoutesFile], webhook: WebhookSource, at: _Place) -> Iterator[Diagnostic]:
    for index, name in enumerate(webhook.headers):
        if name.lower() in _never_data(webhook):
            message = f"`{name}` proves who sends, and is never data"
            yield routes.report("SF206", message, *at, "headers", index, expected="another header")


def _never_data(webhook: WebhookSource) -> set[str]:
    signature = set() if webhook.signature is None else {webhook.signature.header.lower()}
    return {"authorization", "proxy-authorization", "cookie"} | signature


def _keys(
    routes: Document[RoutesFile], signature: WebhookSignature, at: _Place, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    algorithm = signature.key_algorithm
    name = "secret" if algorithm is None else "public_key"
    value = signature.secret if algorithm is None else signature.public_key
    given = value if isinstance(value, tuple) else (value,)
    if not given:
        yield routes.report("SF206", f"`{name}` must not be empty", *at, name, expected=f"at least one {name}")
    for index, text in enumerate(given):
        place: tuple[str | int, ...] = (*at, name, index) if isinstance(value, tuple) else (*at, name)
        if routes.is_unset(*place):
            continue
        if not text:
            yield routes.report("SF206", f"`{name}` must not be empty", *place, expected="at least one character")
        elif expected := _misfit(text, signature, algorithm):
            yield routes.report("SF205", f"`{name}` is not written like this", *place, expected=expected)
    if algorithm is not None and not is_installed("cryptography"):
        message = f"{algorithm} needs a package that is not installed"
        hint = "pip install 'syncflow[signatures]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)


def _misfit(text: str, signature: WebhookSignature, algorithm: KeyAlgorithm | None) -> str:
    """Return the words for an expected key where this is none; empty where it is one."""
    try:
        if algorithm is not None:
            decode_public_key(text, algorithm)
        elif signature.secret_encoding == "base64":  # noqa: S105  # the name of an encoding
            decoded_secret(text)
    except ValueError:
        return (
            "base64, perhaps after whsec_"
            if algorithm is None
            else f"the sender's public key ({algorithm}) as PEM, base64 or hex"
        )
    return ""
