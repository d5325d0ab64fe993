"""The source ``nats``: the messages of a JetStream stream of NATS, read by a durable pull consumer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.client_tls import ClientTls
from syncflow.config.scalars import Duration, FilePath, SomeSize, Text, shaped

JetStreamName = Annotated[
    Text, shaped(r"^[^\s.*>/\\]+$", "a name without spaces, dots, slashes, `*` and `>`", max_length=255)
]
"""A stream or a consumer: no spaces, dots, slashes or wildcards."""

Subject = Annotated[Text, shaped(r"^[^\s]+$", "a subject without spaces, such as crm.contacts.>")]
"""A subject, with * for one of its words or > for all that follow."""

Servers = Text | Annotated[tuple[Text, ...], Field(min_length=1)]


class NatsSource(Model):
    """The messages of a stream; each is an event."""

    servers: Annotated[Servers, Field(repr=False)]
    """The server: nats://host:4222, or tls://host:4222; several of one cluster as a list, tried in turn."""
    stream: JetStreamName
    """The stream. It must be there."""
    consumer: JetStreamName = "syncflow"
    """The durable consumer, which remembers what is acknowledged; one for each project. Made if it is missing."""
    subjects: tuple[Subject, ...] = ()
    """Which subjects of the stream are read; left out: all. Several need a server of version 2.10."""
    user: Text | None = None
    """The user, where the address does not name one."""
    password: Annotated[Text | None, Field(repr=False)] = None
    """The user's password."""
    token: Annotated[Text | None, Field(repr=False)] = None
    """A token, instead of a user."""
    credentials: FilePath | None = None
    """A file of credentials (.creds: a JWT and its seed), or of a seed alone (.nk), instead of a user."""
    tls: ClientTls | None = None
    """The certificates, where those of the machine are not enough; the connection then must speak TLS."""
    start: Text = "all"
    """What a consumer that is made begins with: `all` messages of the stream, `new` ones, or those since a time (2026-03-01T00:00:00Z)."""
    ack_wait: Annotated[Duration, Field(ge=1)] = 30.0
    """When a consumer that is made hands a message to another reader: this long after the last sign of the one that has it."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.servers,) if isinstance(self.servers, str) else self.servers
