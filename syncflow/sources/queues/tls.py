"""The certificates with which a broker's client connects."""

from __future__ import annotations

import ssl
from pathlib import Path

from syncflow.config.models.client_tls import ClientTls
from syncflow.errors import ProjectError


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
