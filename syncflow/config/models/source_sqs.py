"""The source ``sqs``: a queue of Amazon SQS, or of a service that speaks like it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.scalars import Duration, OptionalText, SomeSize, Text


class SqsSource(Model):
    """The messages of a queue, standard or FIFO; each body is an event."""

    queue: Annotated[Text, Field(min_length=1)]
    """The queue: its URL, its ARN, or its name."""
    region: OptionalText = None
    """The region, such as eu-central-1; left out: that of the URL or the ARN, else of the environment."""
    endpoint: OptionalText = None
    """The address of another service than Amazon's: https://sqs.internal:9324."""
    access_key: OptionalText = None
    """The id of an access key; left out: the credentials of the environment (variables, a profile, the role of the machine)."""
    secret_key: Annotated[OptionalText, Field(repr=False)] = None
    """The secret of the access key."""
    visibility: Annotated[Duration, Field(ge=1, le=43200)] = 300.0
    """How long a message stays with a run that has died; one that lives asks for more time every third of it."""
    wait: Annotated[Duration, Field(ge=1, le=20)] = 20.0
    """How long one request waits for messages."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""
