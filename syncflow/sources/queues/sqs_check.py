"""What there is to say of a queue of SQS, out of its attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncflow.config.models.source_sqs import SqsSource
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.sources.base import Finding
from syncflow.sources.queues.sqs_client import Requests, name_of

FEW_RECEIVES = 3
"""A limit of receives below this is soon reached by runs that are killed."""


def failed(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a batch that SQS did not carry out."""
    found: Sequence[Mapping[str, Any]] = answer.get("Failed", ())
    return found


async def findings(requests: Requests, settings: SqsSource) -> list[Finding]:
    """Look at the queue; nothing is received."""
    try:
        answer = await requests.send("get_queue_attributes", AttributeNames=["All"])
    except SyncflowError as error:
        unreachable = isinstance(error, UnavailableError)
        return [Finding(error.message, error.hint, is_good=False, is_unreachable=unreachable)]
    return list(_about(answer["Attributes"], name_of(settings.queue)))


def _about(attributes: Mapping[str, str], queue: str) -> Iterator[Finding]:
    waits = int(attributes.get("ApproximateNumberOfMessages", 0))
    out = int(attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    yield Finding(f"the queue {queue} is there: about {waits:,} messages wait, {out:,} are in flight")
    days = int(attributes.get("MessageRetentionPeriod", 0)) / 86400
    yield Finding(f"messages that are not read are removed after {days:g} days")
    most = _most_receives(attributes.get("RedrivePolicy", ""))
    if most is None:
        return
    words = f"a message is moved to a dead letter queue after {most} receives"
    if most < FEW_RECEIVES:
        hint = "raise maxReceiveCount: each start of a run that was killed receives its messages once more"
        yield Finding(words, hint, is_good=False)
    else:
        yield Finding(words)


def _most_receives(policy: str) -> int | None:
    try:
        return int(json.loads(policy)["maxReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return None
