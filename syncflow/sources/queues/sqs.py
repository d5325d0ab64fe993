"""A queue of Amazon SQS, standard or FIFO.

    long polls ──▶ ready ──▶ handed out ──▶ deleted, ten a request
                     └─ kept from others: their visibility is prolonged ─┘

Of a standard queue several requests wait at once while there is much to read; of a FIFO queue one does. SQS itself keeps the order of a
group: while a message of it is not deleted, none behind it is handed out. What is not deleted when the run ends is made visible at once.

A message is known by its MessageId, the same whenever it is handed out again. The id that senders give for deduplication would not do: they
may use it again after five minutes, and one made of the content is the same for every message with this content.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from syncflow.clock import Clock
from syncflow.config.models.source_sqs import SqsSource
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.events import Item, Json
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.queues.base import Message
from syncflow.sources.queues.sqs_check import failed, findings
from syncflow.sources.queues.sqs_client import ForbiddenError, Requests, SqsRequests, name_of

BATCH = 10
"""Most messages of one request."""

POLLS = 8
"""Most requests that wait for messages at once."""

PARALLEL = 8
"""Most requests that delete or prolong at once."""

TRIES = 4
"""Of one message's deletion, where SQS asks to try again."""

LOOK_SECONDS = 30
"""How long messages are hidden for a look at them; they are given back before."""

CLOSE_SECONDS = 2.0
"""How long polls under way are waited for at the end."""


class SqsQueue:
    """``connect`` makes a client, which connects when it is used."""

    hold_seconds: float | None

    def __init__(self, settings: SqsSource, *, connect: Callable[[], Requests], clock: Clock) -> None:
        self._queue = name_of(settings.queue)
        self.name = f"sqs:{self._queue}"
        self.hold_seconds = settings.visibility / 3
        self._settings = settings
        self._connect = connect
        self._clock = clock
        self._requests: Requests | None = None
        self._most_polls = 1 if self._queue.endswith(".fifo") else POLLS
        self._wanted_polls = 1
        self._polls: set[asyncio.Task[list[Message]]] = set()
        self._at_once = asyncio.Semaphore(PARALLEL)
        self._may_look = True
        """Whether it may be asked how much waits."""
        self._is_closed = False
        self._reports: list[Report] = []

    async def open(self) -> None:
        self._requests = self._connect()
        await self.backlog()

    async def receive(self, *, most: int) -> Sequence[Message]:
        while True:
            while len(self._polls) < self._wanted_polls:
                poll = asyncio.ensure_future(self._poll())
                poll.add_done_callback(_heard)
                self._polls.add(poll)
            await asyncio.wait(self._polls, return_when=asyncio.FIRST_COMPLETED)
            if messages := self._ready(most):
                return messages

    def _ready(self, most: int) -> list[Message]:
        """Take what polls have brought, as many as there is room for; full ones ask for more of them, an empty one for fewer."""
        messages: list[Message] = []
        for poll in [each for each in self._polls if each.done()]:
            if messages and (len(messages) + BATCH > most or poll.exception()):
                break  # the next call takes it
            self._polls.discard(poll)
            brought = poll.result()
            more = self._wanted_polls * 2 if len(brought) == BATCH else self._wanted_polls - (not brought)
            self._wanted_polls = max(1, min(self._most_polls, more))
            messages += brought
        return messages

    async def _poll(self) -> list[Message]:
        attempt = {"ReceiveRequestAttemptId": str(uuid4())} if self._queue.endswith(".fifo") else {}
        answer = await self._send(
            "receive_message",
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=int(self._settings.wait),
            VisibilityTimeout=int(self._settings.visibility),
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
            **attempt,
        )
        messages = [message_of(self._queue, each) for each in answer.get("Messages", ())]
        if self._is_closed:
            await self._release([message.handle for message in messages])
        return messages

    async def settle(self, handles: Sequence[str]) -> None:
        await self._in_tens(handles, self._delete)

    async def _delete(self, handles: Sequence[str]) -> None:
        left = list(handles)
        for number in range(TRIES):
            if number:
                await self._clock.sleep(0.2 * 2**number)
            entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(left)]
            answer = await self._send("delete_message_batch", Entries=entries)
            # One whose handle is not valid any more comes again, and is known by its id.
            left = [left[int(each["Id"])] for each in failed(answer) if not each.get("SenderFault")]
            if not left:
                return
        raise UnavailableError(f"SQS did not delete messages of the queue {self._queue}")

    async def hold(self, handles: Sequence[str]) -> None:
        waiting = [poll for poll in self._polls if poll.done() and not poll.cancelled() and poll.exception() is None]
        ready = [message.handle for poll in waiting for message in poll.result()]
        await self._in_tens([*handles, *ready], self._prolong)

    async def _prolong(self, handles: Sequence[str]) -> None:
        await self._show(handles, in_seconds=int(self._settings.visibility))

    async def _release(self, handles: Sequence[str]) -> None:
        await self._in_tens(handles, self._show_now)

    async def _show_now(self, handles: Sequence[str]) -> None:
        await self._show(handles, in_seconds=0)

    async def _show(self, handles: Sequence[str], *, in_seconds: int) -> None:
        """Set when messages are handed out again; of one that is gone, or was held for twelve hours, nothing needs to be done."""
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": in_seconds}
            for number, handle in enumerate(handles)
        ]
        await self._send("change_message_visibility_batch", Entries=entries)

    async def _in_tens(self, handles: Sequence[str], work: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        async def one(part: Sequence[str]) -> None:
            async with self._at_once:
                await work(part)

        rest = iter(handles)
        parts = iter(lambda: list(islice(rest, BATCH)), [])
        ended = await asyncio.gather(*(one(part) for part in parts), return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException):
                raise each

    async def _send(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        assert self._requests is not None, "it is open"
        return await self._requests.send(operation, **parameters)

    # -- looking ---------------------------------------------------------------------------------------------------------------

    async def backlog(self) -> Lag | None:
        if not self._may_look:
            return None
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        try:
            answer = await self._send("get_queue_attributes", AttributeNames=names)
        except ForbiddenError:
            self._may_look = False
            return None
        return Lag(events=sum(int(answer["Attributes"].get(name, 0)) for name in names))

    async def check(self) -> list[Finding]:
        requests = self._connect()
        try:
            return await findings(requests, self._settings)
        finally:
            await requests.close()

    async def peek(self, *, most: int) -> Sequence[Message]:
        """Receive the first messages and give them back: SQS has no other way to look."""
        messages: list[Message] = []
        try:
            while len(messages) < most:
                answer = await self._send(
                    "receive_message",
                    MaxNumberOfMessages=min(BATCH, most - len(messages)),
                    WaitTimeSeconds=1,
                    VisibilityTimeout=LOOK_SECONDS,
                    MessageAttributeNames=["All"],
                    AttributeNames=["All"],
                )
                if not (found := answer.get("Messages", ())):
                    break
                messages += [message_of(self._queue, each) for each in found]
        finally:
            if messages:
                await self._release([message.handle for message in messages])
        if messages:
            words = "the messages were received and given back: SQS counts that as one receive of each"
            self._reports.append(Report("noted", words))
        return messages

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    async def close(self, handed: Sequence[str]) -> None:
        """Make visible what is not settled. A poll that brings something later gives it back itself, if the process still lives."""
        if self._requests is None or self._is_closed:
            return
        if self._polls:
            await asyncio.wait(self._polls, timeout=CLOSE_SECONDS)
        self._is_closed = True
        brought = [
            poll.result() for poll in self._polls if poll.done() and not poll.cancelled() and not poll.exception()
        ]
        late = [message.handle for messages in brought for message in messages]
        with contextlib.suppress(SyncflowError, TimeoutError):
            await asyncio.wait_for(self._release([*handed, *late]), 10)
        with contextlib.suppress(Exception):
            await self._requests.close()


def _heard(poll: asyncio.Task[list[Message]]) -> None:
    """Take note of how a poll ended: one that fails after the end is asked by no one."""
    if not poll.cancelled():
        poll.exception()


def message_of(queue: str, given: Mapping[str, Any]) -> Message:
    """Return a message of an answer, with the attributes of its sender as ``headers``."""
    about = given.get("Attributes", {})
    meta: Item = {"queue": queue, "id": given["MessageId"], "headers": _headers(given.get("MessageAttributes", {}))}
    if sent := about.get("SentTimestamp"):
        at = datetime.fromtimestamp(int(sent) / 1000, UTC)
        meta["time"] = at.isoformat(timespec="milliseconds")
    if receives := about.get("ApproximateReceiveCount"):
        meta["receives"] = int(receives)
    named = {"group": "MessageGroupId", "deduplication_id": "MessageDeduplicationId", "sequence": "SequenceNumber"}
    meta |= {name: about[of] for name, of in named.items() if of in about}
    return Message(
        body=given["Body"].encode(),
        handle=given["ReceiptHandle"],
        id=f"{queue}/{given['MessageId']}",
        meta=meta,
    )


def _headers(attributes: Mapping[str, Any]) -> dict[str, Json]:
    """Return the attributes that are text or numbers, as text; those that are bytes are left out."""
    return {name: each["StringValue"] for name, each in attributes.items() if "StringValue" in each}


def sqs_queues(settings: SqsSource, *, clock: Clock) -> Callable[[], SqsQueue]:
    """Return what makes a client of the queue for each opening."""
    return lambda: SqsQueue(settings, connect=lambda: SqsRequests(settings), clock=clock)
