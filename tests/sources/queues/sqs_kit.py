"""A queue on a stand-in for SQS, and a source of it; and a client that answers as a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import boto3

from syncflow.clock import SystemClock
from syncflow.config.models.source_sqs import SqsSource
from syncflow.sources.queues import opened_queue
from syncflow.sources.queues.sqs import SqsQueue, sqs_queues
from tests.servers.moto import Moto

KEYS = {"access_key": "reader", "secret_key": "secret-word"}


def client_of(address: str) -> Any:
    return boto3.session.Session().client(
        "sqs", region_name="eu-central-1", endpoint_url=address, aws_access_key_id="x", aws_secret_access_key="x"
    )


class Queue:
    """A queue of its own for a test, seen by a sender."""

    _numbers = count(1)

    def __init__(self, server: Moto, *, is_fifo: bool = False, **attributes: str) -> None:
        self.server = server
        self.client = client_of(server.address)
        self.name = f"contacts-{next(self._numbers)}" + (".fifo" if is_fifo else "")
        fifo = {"FifoQueue": "true"} if is_fifo else {}
        self.url = self.client.create_queue(QueueName=self.name, Attributes=fifo | attributes)["QueueUrl"]

    def send(self, *bodies: str, **more: Any) -> list[str]:
        entries = [{"Id": str(number), "MessageBody": body, **more} for number, body in enumerate(bodies)]
        for entry in entries:
            if self.name.endswith(".fifo"):
                entry |= {"MessageDeduplicationId": f"d-{entry['MessageBody']}"}
        found = []
        for start in range(0, len(entries), 10):
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries[start : start + 10])
            found += [each["MessageId"] for each in answer["Successful"]]
        return found

    def settings(self, **changes: Any) -> SqsSource:
        given = {"queue": self.name, "region": "eu-central-1", "endpoint": self.server.address, "wait": "1s", **KEYS}
        return SqsSource.model_validate(given | changes)

    def broker(self, **changes: Any) -> SqsQueue:
        return sqs_queues(self.settings(**changes), clock=SystemClock())()

    def source(self, *, is_preview: bool = False, **changes: Any) -> Any:
        clock, settings = SystemClock(), self.settings(**changes)
        make = sqs_queues(settings, clock=clock)
        return opened_queue(make, max_event=settings.max_event, clock=clock, sample=is_preview)

    def counts(self) -> tuple[int, int]:
        """Return how many messages wait, and how many are in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


class Answers:
    """A service that answers as it is told: by operation and parameters, an answer or an error."""

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> None:
        self._answer = answer
        self.heard: list[tuple[str, Mapping[str, Any]]] = []

    async def send(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        self.heard.append((operation, parameters))
        return self._answer(operation, parameters)

    async def close(self) -> None: ...
