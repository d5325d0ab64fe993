"""The certificates with which a broker's client connects, and what a connection that ends at once may mean."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncflow.config.models.client_tls import ClientTls
from syncflow.errors import ProjectError, SyncflowError, UnavailableError


def client_context(tls: ClientTls | None, *, base: Path) -> ssl.SSLContext:
    """Return a context that checks the server's certificate, and shows ours where one is given.

    Raises:
        ProjectError: a file cannot be used.
    """
    context = ssl.create_default_context()
    if tls is None:
        return context
    try:
        if tls.ca is not None:
            context.load_verify_locations(base / tls.ca)
        if tls.certificate is not None:
            # Without a function OpenSSL would ask for the password at the terminal.
            context.load_cert_chain(base / tls.certificate, tls.key and base / tls.key, password=lambda: "")
    except (OSError, ValueError) as error:
        names = ", ".join(Path(name).name for name in (tls.ca, tls.certificate, tls.key) if name is not None)
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "they are not PEM"
        raise ProjectError(
            f"the certificates {names} cannot be used: {reason}", hint="give files of PEM that belong together (`tls:`)"
        ) from error
    return context


WANTS_OURS = "a server that asks for a certificate needs `tls: {certificate, key}`"

_ENDS = r"the connection to {broker} was lost|{broker} refuses TLS|there is no TLS connection to {broker} \((\w*ALERT\w*|no handshake)\)"
"""How the errors of a connection that the other side ends begin, whatever the client saw first."""


def of_opening(error: SyncflowError, broker: str, tls: ClientTls | None, *, over_tls: bool) -> SyncflowError:
    """Return the error of a connection that was not made: what it means where no certificate of ours is shown.

    With TLS 1.3 a server that wants one says so after the handshake: whether its refusal or the end of the connection is seen first is
    chance.
    """
    shows_none = over_tls and (tls is None or tls.certificate is None)
    if not shows_none or re.match(_ENDS.format(broker=broker), error.message) is None:
        return error
    return UnavailableError(f"{broker} ended the connection, or refuses TLS", hint=WANTS_OURS)


@contextmanager
def opening(broker: str, tls: ClientTls | None, *, over_tls: bool) -> Iterator[None]:
    """Raise ``of_opening`` of what is raised."""
    try:
        yield
    except SyncflowError as error:
        raise of_opening(error, broker, tls, over_tls=over_tls) from None
