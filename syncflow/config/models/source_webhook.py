"""The settings of the source ``webhook``."""

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.handshakes import AnswerStatus, WebhookAuth, WebhookHandshake
from syncflow.config.models.signatures import HeaderName, WebhookSignature
from syncflow.config.scalars import FilePath, SomeSize, Text


class WebhookTls(Model):
    """The certificate of a webhook that speaks TLS itself; a renewed one is used from the next connection on."""

    certificate: FilePath
    """The certificate and those between it and its authority (PEM)."""
    key: FilePath | None = None
    """Its private key, where the certificate's file does not hold it."""
    password: Text = Field(default="", repr=False)
    """The password that the key is encrypted with."""
    client_ca: FilePath | None = None
    """Authorities (PEM): only senders with a certificate of one of them are heard."""


class WebhookSource(Model):
    """Events by HTTP POST: one, an array, or a line each."""

    listen: Text = "127.0.0.1:8080"
    """Address and port."""
    path: Text = "/events"
    """The path that is posted to."""
    tls: WebhookTls | None = None
    """Speak HTTPS; left out, a proxy before it does."""
    max_body: SomeSize = 5_000_000
    """A longer body is refused."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter; a body in which every event is longer is refused."""
    headers: tuple[HeaderName, ...] = ()
    """Headers that are data: events have them as ``request.headers`` in lower case, beside ``request.path`` and ``request.query``."""
    form: Text | None = None
    """The field of a form that holds the JSON: ``payload``; left out, a form is an object of its fields."""
    signature: WebhookSignature | None = None
    """How senders prove who they are; left out, everyone who reaches the address is heard."""
    auth: WebhookAuth | None = None
    """How senders sign in, instead of a signature or beside it."""
    handshake: WebhookHandshake | None = None
    """The sender's question whether its messages are wanted; it is answered, and is no event."""
    status: AnswerStatus = 200
    """The status that accepted events are answered with, where a sender wants another one than 200."""
