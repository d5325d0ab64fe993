"""The certificates with which a source connects to a server over TLS."""

from syncflow.config.models.base import Model
from syncflow.config.scalars import FilePath


class ClientTls(Model):
    """Certificates of a connection (PEM); paths are relative to the file."""

    ca: FilePath | None = None
    """The authorities that the server's certificate is checked with; left out: those of the machine."""
    certificate: FilePath | None = None
    """The certificate that the server is shown, and those between it and its authority."""
    key: FilePath | None = None
    """Its private key, where the certificate's file does not hold it."""
