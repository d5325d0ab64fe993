"""The source ``redis``: a stream of Redis, read by a consumer of a group."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.client_tls import ClientTls
from syncflow.config.scalars import Duration, SomeSize, Text

Word = Annotated[Text, Field(min_length=1)]


class RedisSource(Model):
    """The entries of a stream; each is an event."""

    url: Annotated[Text, Field(repr=False)]
    """The server: redis://user:password@host:6379/0, rediss:// with TLS, or unix:// with a path."""
    stream: Word
    """The key of the stream."""
    group: Word = "syncflow"
    """The consumer group, made if missing. It remembers which entries are acknowledged."""
    consumer: Word = "syncflow"
    """The name in the group under which a restarted run finds the entries that it had; each project that reads the group needs its own."""
    field: Word | None = None
    """The field of an entry that holds the event as JSON; left out, all its fields are an object of texts."""
    start: Literal["all", "new"] = "all"
    """Which entries a new group begins with: all that are there, or those that are added from then on."""
    claim: Annotated[Duration, Field(ge=1)] = 300.0
    """Entries that another consumer of the group has held for this long without a sign are taken over."""
    tls: ClientTls | None = None
    """The certificates for rediss://, where those of the machine are not enough."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""
