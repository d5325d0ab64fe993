"""The certificate of a webhook, and connections that speak TLS.

A certificate that is renewed is used from the next handshake on: files are compared whenever a sender shakes hands (three looks, some µs).
A pair that does not fit, as half-written ones do not, is told once, and the one before stays in use.

Handshakes are counted among the connections (``connections``): slow ones shut out no good requests.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncflow.config.models.source_webhook import WebhookTls
from syncflow.config.regular_files import oddity
from syncflow.errors import ProjectError
from syncflow.sources.webhook.connections import BoundedConnection, Connections

_log = logging.getLogger("syncflow")


_GOODBYE_SECONDS = 1
"""How long a connection that is closed waits for its sender's last word (close_notify)."""


@dataclass(frozen=True, slots=True)
class _Files:
    certificate: Path
    key: Path | None
    client_ca: Path | None
    password: str

    def stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        """Return values that differ once a file was written anew."""
        return tuple(_stamp(path) for path in (self.certificate, self.key, self.client_ca) if path is not None)

    def context(self) -> ssl.SSLContext:
        """Return a context for new connections.

        Raises:
            ProjectError: the files are not there, or do not fit.
        """
        for path in filter(None, (self.certificate, self.key, self.client_ca)):
            if odd := oddity(path):
                raise ProjectError(f"source.webhook.tls: {path.name} is {odd}, expected a file (PEM)")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a function OpenSSL would ask for the password at the terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: self.password)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:
            names = ", ".join(path.name for path in (self.certificate, self.key, self.client_ca) if path is not None)
            raise ProjectError(f"source.webhook.tls: {names} cannot be used: {_reason(error)}") from error
        return context


class ServerCertificate:
    """The certificate in use; ``context`` is for all connections, and shows each the newest one."""

    def __init__(self, settings: WebhookTls, *, base: Path) -> None:
        """Raises: ProjectError: the files cannot be used."""
        self._files = _Files(
            base / settings.certificate,
            None if settings.key is None else base / settings.key,
            None if settings.client_ca is None else base / settings.client_ca,
            settings.password,
        )
        self._stamp = self._files.stamp()
        self._newest = self._files.context()
        self.context = self._newest
        self.context.sni_callback = self._show_newest

    def _show_newest(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _: ssl.SSLContext) -> None:
        self._renew()
        connection.context = self._newest

    def _renew(self) -> None:
        stamp = self._files.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._newest = self._files.context()
        except ProjectError as error:
            _log.warning("webhook.certificate_kept", extra={"fields": {"reason": error.message}})
        else:
            _log.info("webhook.certificate_renewed", extra={"fields": {"file": self._files.certificate.name}})


class TlsConnection(SSLProtocol):
    """A connection that shakes hands, and then stands before ``inner``, which takes its place among the connections."""

    has_complete_request = False

    def __init__(
        self, connections: Connections, inner: BoundedConnection, *, context: ssl.SSLContext, handshake_seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        shaken: asyncio.Future[None] = loop.create_future()
        shaken.add_done_callback(lambda found: found.cancelled() or found.exception())  # nothing waits for it
        seconds: Any = handshake_seconds  # may be a fraction, though it is declared an integer
        super().__init__(
            loop,
            inner,
            context,
            shaken,
            server_side=True,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=_GOODBYE_SECONDS,
        )
        self._all = connections
        self._raw: asyncio.Transport | None = None
        inner.stands_for = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._raw = transport
        if self._all.admit(self):
            super().connection_made(transport)
        else:
            self._all.requests["connections"] += 1
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self in self._all.open:
            self._all.requests["no_tls"] += 1
            del self._all.open[self]
        if self._transport is not None:
            super().connection_lost(exc)

    def let_go(self, _answer: bytes = b"") -> None:
        """Close a connection that has not shaken hands; there is no way to say why."""
        if self._raw is not None:
            self._raw.abort()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or "they are not PEM"
