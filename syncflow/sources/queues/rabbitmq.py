"""A queue of RabbitMQ, by AMQP 0-9-1.

The queue is looked up, never declared: nothing is made over there. RabbitMQ pushes messages until ``prefetch`` are not acknowledged; they
wait in a buffer until the run takes them. Acknowledgements name the last of several. When the connection or the channel is lost, all that
is not acknowledged goes back to its old place in the queue and comes again, marked as redelivered.

The client could connect again by itself (its robust connections); that is left to ``reopening``, which knows what was acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import AbstractChannel as Wire
from aiormq.abc import DeliveredMessage
from yarl import URL

from syncflow.config.models.source_rabbitmq import RabbitmqSource
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.sources.base import Finding, Lag
from syncflow.sources.queues.base import Message
from syncflow.sources.queues.rabbitmq_errors import reword, reworded
from syncflow.sources.queues.rabbitmq_messages import message_of
from syncflow.sources.queues.tls import client_context, opening

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 30.0
CLOSE_SECONDS = 5.0
HEARTBEAT_SECONDS = 20
"""A server that is silent for three times as long is given up."""

# These tell what our errors tell, and quote addresses and frames, which may hold data.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

Connect = Callable[[RabbitmqSource, Path], Awaitable[AbstractConnection]]


async def connect(settings: RabbitmqSource, base: Path) -> AbstractConnection:
    """Return a connection that does not connect again by itself."""
    url = settings.url
    context = client_context(settings.tls, base=base) if url.startswith("amqps:") else None
    if "heartbeat=" not in url:
        url += f"{'&' if '?' in url else '?'}heartbeat={HEARTBEAT_SECONDS}"
    connection = aio_pika.Connection(URL(url), ssl_context=context)
    try:
        await connection.connect(timeout=CONNECT_SECONDS)
    except BaseException:
        await connection.close()
        raise
    return connection


def partition_of(settings: RabbitmqSource) -> str:
    """Return what is read, without an address: the virtual host is named where it is not the default one."""
    vhost = unquote(urlsplit(settings.url).path.removeprefix("/"))
    return f"rabbitmq:{settings.queue}" if vhost in {"", "/"} else f"rabbitmq:{vhost}/{settings.queue}"


class Rabbitmq:
    """One queue. The bytes that wait are bounded by ``prefetch`` and by the length of messages."""

    hold_seconds: float | None = None

    def __init__(self, settings: RabbitmqSource, *, base: Path, connect: Connect = connect) -> None:
        self.name = partition_of(settings)
        self._settings = settings
        self._base = base
        self._connect = connect
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._wire: Wire | None = None
        self._arrived: deque[Message] = deque()
        self._has_come = asyncio.Event()
        self._lost: SyncflowError | None = None

    async def open(self) -> None:
        queue = self._settings.queue
        over_tls = self._settings.url.startswith("amqps:")
        with opening("RabbitMQ", self._settings.tls, over_tls=over_tls), reworded(queue):
            self._channel, self._wire = await self._open_channel()
            await self._declared()

    async def _open_channel(self) -> tuple[AbstractChannel, Wire]:
        if self._connection is None:
            self._connection = await self._connect(self._settings, self._base)
        channel = self._connection.channel(publisher_confirms=False)
        await channel.initialize(timeout=ANSWER_SECONDS)
        channel.close_callbacks.add(self._on_close)
        return channel, await channel.get_underlay_channel()

    async def _declared(self) -> Any:
        """Ask for the queue by name; return how many messages wait in it, and how many consumers it has."""
        assert self._wire is not None, "it is open"
        return await self._wire.queue_declare(self._settings.queue, passive=True, timeout=ANSWER_SECONDS)

    async def start(self) -> None:
        """Ask for messages: from now on they are pushed."""
        assert self._wire is not None, "it is open"
        self._wire.on_consumer_cancel_callbacks.add(self._on_cancel)
        with reworded(self._settings.queue):
            await self._wire.basic_qos(prefetch_count=self._settings.prefetch, timeout=ANSWER_SECONDS)
            await self._wire.basic_consume(self._settings.queue, self._on_message, timeout=ANSWER_SECONDS)

    async def _on_message(self, delivered: DeliveredMessage) -> None:
        if "x-stream-offset" in (delivered.header.properties.headers or {}):
            self._fail(reword(ValueError("NOT_IMPLEMENTED"), self._settings.queue))
            return
        settings = self._settings
        self._arrived.append(message_of(delivered, source=self.name, queue=settings.queue, id_at=settings.id))
        self._has_come.set()

    def _on_cancel(self, _frame: object) -> None:
        self._fail(UnavailableError(f"RabbitMQ ended the reading of the queue {self._settings.queue}"))

    def _on_close(self, _channel: object, error: BaseException | None) -> None:
        self._fail(reword(error, self._settings.queue))

    def _fail(self, error: SyncflowError) -> None:
        self._lost = self._lost or error
        self._has_come.set()

    async def receive(self, *, most: int) -> Sequence[Message]:
        while True:
            if self._lost is not None:
                raise self._lost
            if self._arrived:
                return [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
            self._has_come.clear()
            await self._has_come.wait()

    async def settle(self, handles: Sequence[Any]) -> None:
        """Acknowledge up to the last one: they are settled in the order in which they came."""
        assert self._wire is not None, "it is open"
        if self._lost is not None:
            raise self._lost
        with reworded(self._settings.queue):
            await self._wire.basic_ack(handles[-1], multiple=True)

    async def hold(self, handles: Sequence[Any]) -> None:
        """RabbitMQ needs no sign: a message is its reader's until the connection ends."""

    async def backlog(self) -> Lag | None:
        if self._lost is not None:
            raise self._lost
        # A request that is cancelled halfway would end the channel: it goes on, and its answer is not waited for.
        asking = asyncio.ensure_future(self._declared())
        asking.add_done_callback(lambda found: found.cancelled() or found.exception())
        with reworded(self._settings.queue):
            return Lag(events=(await asyncio.shield(asking)).message_count)

    async def check(self) -> list[Finding]:
        try:
            await self.open()
            with reworded(self._settings.queue):
                found = await self._declared()
        except SyncflowError as error:
            return [
                Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == UnavailableError.code)
            ]
        finally:
            await self.close(())
        queue, id_at = self._settings.queue, self._settings.id
        findings = [Finding(f"the queue {queue} holds {found.message_count} messages")]
        if found.consumer_count:
            words = f"{found.consumer_count} consumers read the queue {queue}, and share its messages with a run"
            findings.append(Finding(words, "one reader alone keeps the order of a record's changes"))
        words = f"a message that RabbitMQ hands out again is known by its {id_at.replace('header:', 'header ')}"
        findings.append(Finding(f"{words}; one that has none is applied again, unless the envelope names an `id`"))
        return findings

    async def peek(self, *, most: int) -> Sequence[Message]:
        """Take messages and give them back; RabbitMQ marks them as redelivered."""
        assert self._wire is not None, "it is open"
        queue, found = self._settings.queue, list[Message]()
        with reworded(queue):
            while len(found) < most:
                delivered = await self._wire.basic_get(queue, timeout=ANSWER_SECONDS)
                if delivered.delivery_tag is None:
                    break
                found.append(message_of(delivered, source=self.name, queue=queue, id_at=self._settings.id))
            if found:
                await self._wire.basic_nack(found[-1].handle, multiple=True, requeue=True)
        return found

    async def close(self, handed: Sequence[Any]) -> None:
        """With its channel a connection loses what was handed out: it goes back into the queue at once."""
        connection, self._connection = self._connection, None
        self._lost = self._lost or UnavailableError("it is closed")
        self._arrived.clear()
        if connection is not None:
            closing = asyncio.ensure_future(connection.close())
            closing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            await asyncio.wait({closing}, timeout=CLOSE_SECONDS)


def rabbitmq_queues(settings: RabbitmqSource, *, base: Path) -> Callable[[], Rabbitmq]:
    """Return how a client of the queue is made, one for each connection."""
    return lambda: Rabbitmq(settings, base=base)
