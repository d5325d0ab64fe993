"""The source ``rabbitmq``: the messages of a queue of RabbitMQ."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.client_tls import ClientTls
from syncflow.config.scalars import Integer, SomeSize, Text, shaped

MessageId = Annotated[
    Text,
    shaped(r"^(message_id|correlation_id|header:.+)$", "message_id, correlation_id, or a header such as header:x-id"),
]
"""Where a message's id stands: a property of AMQP, or a header."""


class RabbitmqSource(Model):
    """The messages of a queue; each body is an event."""

    url: Annotated[Text, Field(repr=False)]
    """The server: amqp://user:password@host:5672/vhost, or amqps:// with TLS."""
    queue: Annotated[Text, Field(min_length=1, max_length=255)]
    """The queue. It must be there: nothing is declared."""
    id: MessageId = "message_id"
    """The property or header (header:x-id) by which a message that is handed out again is known."""
    prefetch: Annotated[Integer, Field(ge=1, le=65535)] = 1000
    """Most messages that are handed out and not acknowledged."""
    tls: ClientTls | None = None
    """The certificates for amqps://, where those of the machine are not enough."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""
