"""What ``validate`` takes for the names beside a body is what sources put there."""

from __future__ import annotations

from syncflow.config.beside import BESIDE
from syncflow.config.models.sources import SourceSettings
from syncflow.sources.queues.redis_entries import message_of as entry_of
from syncflow.sources.queues.sqs import message_of


def test_every_name_is_of_a_source_that_can_be_asked_for() -> None:
    assert set(BESIDE) <= set(SourceSettings.model_fields)


def test_the_names_of_sqs() -> None:
    attributes = {"SentTimestamp": "0", "ApproximateReceiveCount": "1"}
    attributes |= {"MessageGroupId": "g", "MessageDeduplicationId": "d", "SequenceNumber": "1"}
    given = {"Body": "{}", "MessageId": "m", "ReceiptHandle": "r", "Attributes": attributes}
    assert set(message_of("queue", given).meta or ()) == BESIDE["sqs"]


def test_the_names_of_redis() -> None:
    assert set(entry_of("stream", b"1-0", [b"body", b"{}"], field="body").meta or ()) == BESIDE["redis"]
