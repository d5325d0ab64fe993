"""How a client of NATS signs in, and its connection.

A password, a token and a signature are given only to a server that speaks TLS where TLS is wanted: the server says so before it is
answered, and a client that believed it would tell its secrets to anyone who says no.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import nats.aio.client

from syncflow.config.models.source_nats import NatsSource
from syncflow.errors import ProjectError
from syncflow.sources.queues.tls import client_context

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CONNECT_SECONDS = 10
LEAVE_SECONDS = 2.0

_USER = 20 << 3
"""The first byte of a user's public key."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A seed that signs, and the JWT that it belongs to, if any."""

    key: Ed25519PrivateKey
    jwt: bytes

    def sign(self, nonce: str) -> bytes:
        return base64.b64encode(self.key.sign(nonce.encode()))

    @property
    def public_key(self) -> str:
        body = bytes([_USER]) + self.key.public_key().public_bytes_raw()
        return base64.b32encode(body + _checksum(body).to_bytes(2, "little")).decode().rstrip("=")


def read_credentials(path: Path) -> Credentials:
    """Read a file with a JWT and its seed, or a seed alone.

    Raises:
        ProjectError: it is none.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from error
    jwt = re.search(r"-{3,}BEGIN NATS USER JWT-{3,}\s+(\S+)", text)
    seed = re.search(r"^(SU[A-Z2-7]{56})$", text, re.MULTILINE)
    if seed is None:
        raise ProjectError(
            f"{path.name} holds no seed of a user", hint="give the file that `nsc generate creds` writes"
        )
    raw = base64.b32decode(seed[1] + "=" * (-len(seed[1]) % 8))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  # another extra

    return Credentials(Ed25519PrivateKey.from_private_bytes(raw[2:34]), jwt[1].encode() if jwt else b"")


def _checksum(body: bytes) -> int:
    """CRC-16 (XMODEM)."""
    sum_ = 0
    for byte in body:
        sum_ ^= byte << 8
        for _ in range(8):
            sum_ = (sum_ << 1 ^ 0x1021 if sum_ & 0x8000 else sum_ << 1) & 0xFFFF
    return sum_


class _Client(nats.aio.client.Client):
    """A client that tells no secret in clear where TLS is wanted."""

    wants_tls = False

    def secret(self, value: str) -> Callable[[], str]:
        def tell() -> str:
            self.check_tls()
            return value

        return tell

    def check_tls(self) -> None:
        """Raises: ProjectError: the server speaks no TLS, and it is wanted."""
        if self.wants_tls and not self._server_info.get("tls_required"):
            raise ProjectError(
                "the server of NATS speaks no TLS",
                hint="write nats:// in `servers` and remove `tls:`, or let it speak TLS",
            )


Told = Callable[[Exception], Awaitable[None]]
Ended = Callable[[], Awaitable[None]]


async def connect_to(
    address: str, settings: NatsSource, *, base: Path, told: Told, ended: Ended
) -> nats.aio.client.Client:
    """Return a client of one server, which does not connect again by itself. ``told`` hears of errors, ``ended`` of the end.

    Raises:
        ProjectError: a file cannot be used, or the server speaks no TLS.
    """
    url, client = urlsplit(address), _Client()
    client.wants_tls = url.scheme == "tls" or settings.tls is not None
    options = _sign_in(
        client, settings, url.username and unquote(url.username), url.password and unquote(url.password), base
    )
    try:
        await client.connect(
            f"nats://{url.hostname}:{url.port or 4222}"
            if ":" not in (url.hostname or "")
            else f"nats://[{url.hostname}]:{url.port or 4222}",
            name="syncflow",
            tls=client_context(settings.tls, base=base) if client.wants_tls else None,
            tls_hostname=url.hostname,
            connect_timeout=CONNECT_SECONDS,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # of the first connection too: 0 would be for ever
            reconnect_time_wait=0,
            ping_interval=20,
            error_cb=told,
            closed_cb=ended,
            **options,
        )
        client.check_tls()
    except BaseException:
        await _leave(client)
        raise
    return client


async def _leave(client: _Client) -> None:
    """Close a client that did not come to connect. One whose TLS was refused would wait for an end that its connection never tells."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(client.close(), timeout=LEAVE_SECONDS)


def _sign_in(
    client: _Client, settings: NatsSource, user: str | None, password: str | None, base: Path
) -> dict[str, Any]:
    if settings.credentials is not None:
        found = read_credentials(base / settings.credentials)

        def sign(nonce: str) -> bytes:
            client.check_tls()
            return found.sign(nonce)

        if not found.jwt:
            client._public_nkey = found.public_key
            return {"signature_cb": sign}
        return {"signature_cb": sign, "user_jwt_cb": lambda: bytearray(found.jwt)}
    if settings.token is not None:
        return {"token": client.secret(settings.token)}
    if settings.user is not None and settings.password is not None:
        return {"user": settings.user, "password": client.secret(settings.password)}
    if user is not None and password is None:
        return {"token": client.secret(user)}
    return {} if user is None or password is None else {"user": user, "password": client.secret(password)}
