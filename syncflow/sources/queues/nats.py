"""A stream of NATS JetStream, by a durable pull consumer.

    stream ── consumer ── what is asked for ──▶ buffer ──▶ run
                 ▲◀──── acknowledged, or still worked on ────┘

Messages are asked for when the run wants some, so that no more are handed out than the run can hold. While they wait, the consumer is told
so (``hold``), and hands them to no one else.

A consumer hands out new messages before those that come again, until the time of these is over (``ack_wait``): a reader that went on at
once after another one was killed would read newer changes of a record first. So ``start`` waits until what was handed out before and not
acknowledged is due again. What this process itself had when its connection was lost is given back at once (``left``).

An id is the number of the message in its stream, the same whenever it is handed out: what comes again is always known.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from syncflow.clock import Clock
from syncflow.config.models.source_nats import NatsSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.base import Finding, Lag
from syncflow.sources.queues.base import Message
from syncflow.sources.queues.nats_consumer import Consumer, consumer_of, lacking, matches, wanted
from syncflow.sources.queues.nats_errors import NO_CONSUMER, of_answer, of_client, of_denied
from syncflow.sources.queues.nats_messages import Reader
from syncflow.sources.queues.nats_signing import connect_to

ANSWER_SECONDS = 10.0
ASK_SECONDS = 30.0
"""How long the server keeps a request for messages."""

_log = logging.getLogger("syncflow")

# It tells what our errors tell, with tracebacks.
logging.getLogger("nats").setLevel(logging.CRITICAL + 1)


class Nats:
    """One stream, read by one consumer. ``left``: what one client before this one had when its connection was lost."""

    hold_seconds: float | None = None

    def __init__(self, settings: NatsSource, *, base: Path, clock: Clock, left: list[str] | None = None) -> None:
        self.name = f"nats:{settings.stream}/{settings.consumer}"
        self._settings = settings
        self._base = base
        self._clock = clock
        self._left = left if left is not None else []
        self._client: Client | None = None
        self._ended: asyncio.Future[SyncflowError] | None = None
        self._reader = Reader(self.name, stream=settings.stream, made="")
        self._consumer: Consumer | None = None
        self._arrived: deque[Message] = deque()
        self._has_come = asyncio.Event()
        self._inbox = ""
        self._asked = count(1)
        self._request = ""
        """The subject of the request for messages that is under way; empty: none is."""
        self._missing = 0
        """How many messages it may still bring."""

    # -- the connection ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._connect()
        stream = await self._stream()
        self._reader = Reader(self.name, stream=self._settings.stream, made=stream["created"])

    async def _connect(self) -> None:
        self._ended = asyncio.get_running_loop().create_future()
        failures = []
        for address in self._settings.addresses:
            try:
                self._client = await connect_to(
                    address, self._settings, base=self._base, told=self._told, ended=self._connection_ended
                )
            except (TimeoutError, OSError, ValueError, nats.errors.Error, SyncflowError) as error:
                failures.append(of_client(self._cause if isinstance(error, nats.errors.NoServersError) else error))
            else:
                return
        raise next((each for each in failures if isinstance(each, ProjectError)), failures[-1])

    _cause: Exception | None = None
    """What the client has told last."""

    async def _told(self, error: Exception) -> None:
        self._cause = error
        denied = of_denied(str(error), stream=self._settings.stream, consumer=self._settings.consumer)
        if denied is not None:
            self._fail(denied)

    async def _connection_ended(self) -> None:
        if self._client is not None:  # else one of several that were tried
            self._fail(of_client(self._client.last_error))

    def _fail(self, error: SyncflowError) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(error)
        self._has_come.set()

    def _raise_if_ended(self) -> None:
        if self._ended is not None and self._ended.done():
            raise self._ended.result()

    async def _ask(self, subject: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask JetStream something; return its answer, which may be an error.

        Raises:
            SyncflowError: there is none.
        """
        assert self._client is not None, "it is open"
        assert self._ended is not None, "it is open"
        body = b"" if said is None else json.dumps(said).encode()
        asking = asyncio.ensure_future(self._client.request(f"$JS.API.{subject}", body, timeout=ANSWER_SECONDS))
        waited: set[asyncio.Future[Any]] = {asking, self._ended}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            self._raise_if_ended()
            answer: dict[str, Any] = json.loads(asking.result().data)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise of_client(error) from None
        finally:
            asking.cancel()
        return answer

    async def _asked_for(self, subject: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._ask(subject, said)
        if "error" in answer:
            raise of_answer(answer["error"], stream=self._settings.stream, consumer=self._settings.consumer)
        return answer

    async def _stream(self) -> dict[str, Any]:
        settings = self._settings
        found = await self._asked_for(f"STREAM.INFO.{settings.stream}")
        held = found["config"].get("subjects") or []
        if held and (gone := lacking(settings.subjects, held)):
            raise ProjectError(
                f"the stream {settings.stream} holds no subject {', '.join(gone)}",
                hint=f"it holds {', '.join(held)}: correct `subjects`",
            )
        return found

    # -- the consumer --------------------------------------------------------------------------------------------------------

    async def _found_consumer(self) -> Consumer | None:
        """Return the consumer; None where there is none yet."""
        settings = self._settings
        info = await self._ask(f"CONSUMER.INFO.{settings.stream}.{settings.consumer}")
        if info.get("error", {}).get("err_code") == NO_CONSUMER:
            return None
        if "error" in info:
            raise of_answer(info["error"], stream=settings.stream, consumer=settings.consumer)
        return consumer_of(info, settings)

    async def _made_consumer(self) -> Consumer:
        settings = self._settings
        if len(settings.subjects) > 1:
            assert self._client is not None, "it is open"
            version = self._client.connected_server_version
            if (version.major, version.minor) < (2, 10):
                raise ProjectError(
                    f"the server of NATS ({version.major}.{version.minor}) knows one subject for a consumer",
                    hint="name one in `subjects`, with wildcards, or use a server of version 2.10",
                )
        said = {"stream_name": settings.stream, "config": wanted(settings)}
        info = await self._asked_for(f"CONSUMER.DURABLE.CREATE.{settings.stream}.{settings.consumer}", said)
        return consumer_of(info, settings)

    async def start(self) -> None:
        """Find or make the consumer, wait for what was left, and listen for messages."""
        assert self._client is not None, "it is open"
        self._consumer = consumer = await self._found_consumer() or await self._made_consumer()
        self.hold_seconds = consumer.wait_seconds / 3
        left, self._left[:] = list(self._left), []
        for handle in left:
            await self._client.publish(handle, b"-NAK")
        if consumer.unacknowledged > len(left):
            await self._wait_until_due(consumer)
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(
            f"{self._inbox}.*", cb=self._on_message, pending_msgs_limit=0, pending_bytes_limit=0
        )

    async def _wait_until_due(self, consumer: Consumer) -> None:
        fields = {"messages": consumer.unacknowledged, "seconds": consumer.wait_seconds}
        _log.info("source.waits_for_messages_of_the_reader_before", extra={"fields": fields})
        end = self._clock.monotonic() + consumer.wait_seconds + 0.5
        while self._clock.monotonic() < end:
            await self._clock.sleep(0.25)
            found = await self._found_consumer()
            if found is None or not found.unacknowledged:
                return

    # -- messages ------------------------------------------------------------------------------------------------------------

    async def receive(self, *, most: int) -> Sequence[Message]:
        assert self._consumer is not None, "it is started"
        while True:
            self._raise_if_ended()
            if self._arrived:
                return [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
            self._has_come.clear()
            if not self._request:
                await self._ask_for_messages(min(most, self._consumer.most or most))
            try:
                await asyncio.wait_for(self._has_come.wait(), ASK_SECONDS + 5.0)
            except TimeoutError:
                self._request = ""
                if await self._found_consumer() is None:
                    self._fail(self._gone())

    async def _ask_for_messages(self, most: int) -> None:
        assert self._client is not None, "it is open"
        settings = self._settings
        self._request, self._missing = f"{self._inbox}.{next(self._asked)}", most
        said = json.dumps({"batch": most, "expires": int(ASK_SECONDS * 1_000_000_000)}).encode()
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{settings.stream}.{settings.consumer}", said, reply=self._request
        )

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            self._arrived.append(self._reader.handed_out(message))
            self._missing -= 1
            if self._missing <= 0:
                self._request = ""
        elif message.subject == self._request:
            await self._on_status(message.headers or {})
        self._has_come.set()

    async def _on_status(self, headers: Mapping[str, str]) -> None:
        status, said = headers.get("Status"), headers.get("Description", "")
        if status == "100":
            return
        if status == "409" and said == "Consumer Deleted":
            self._fail(self._gone())
        elif status not in {"404", "408"}:
            await asyncio.sleep(0.5)  # its leader changes, or it takes no more requests for now
        self._request = ""

    def _gone(self) -> SyncflowError:
        return of_answer({"err_code": NO_CONSUMER}, stream=self._settings.stream, consumer=self._settings.consumer)

    async def settle(self, handles: Sequence[Any]) -> None:
        assert self._consumer is not None, "it is started"
        await self._publish(handles[-1:] if self._consumer.acknowledges_all else handles, b"+ACK")

    async def hold(self, handles: Sequence[Any]) -> None:
        """Tell the consumer of these, and of those that wait in the buffer."""
        await self._publish([*handles, *(message.handle for message in self._arrived)], b"+WPI")

    async def _publish(self, handles: Sequence[str], word: bytes) -> None:
        assert self._client is not None, "it is open"
        self._raise_if_ended()
        try:
            for handle in handles:
                await self._client.publish(handle, word)
        except (nats.errors.Error, OSError) as error:
            raise of_client(error) from None

    async def backlog(self) -> Lag | None:
        found = await self._found_consumer()
        if found is None:
            if self._consumer is not None:
                raise self._gone()
            return None
        return Lag(events=found.pending)

    # -- looking -------------------------------------------------------------------------------------------------------------

    async def check(self) -> list[Finding]:
        settings = self._settings
        try:
            await self._connect()
            stream = await self._stream()
            consumer = await self._found_consumer()
        except SyncflowError as error:
            return [
                Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == UnavailableError.code)
            ]
        finally:
            await self.close(())
        findings = [Finding(f"the stream {settings.stream} holds {stream['state']['messages']} messages")]
        if consumer is None:
            words = f"there is no consumer {settings.consumer} yet; a run makes it, and starts with `{settings.start}`"
            return [*findings, Finding(words)]
        words = f"the consumer {settings.consumer} has {consumer.pending} messages to come, and {consumer.unacknowledged} handed out"
        findings.append(Finding(words))
        if consumer.gives_up_after is not None:
            words = f"the consumer {settings.consumer} drops a message that it has handed out {consumer.gives_up_after} times"
            findings.append(
                Finding(words, f"nats consumer edit {settings.stream} {settings.consumer} --max-deliver=-1")
            )
        return findings

    async def peek(self, *, most: int) -> Sequence[Message]:
        """Read messages out of the stream by their numbers, without a consumer."""
        settings, found = self._settings, list[Message]()
        consumer = await self._found_consumer()
        sequence = consumer.floor + 1 if consumer is not None else 1
        wanted_subject = settings.subjects[0] if len(settings.subjects) == 1 else ">"
        while len(found) < most:
            answer = await self._ask(
                f"STREAM.MSG.GET.{settings.stream}", {"seq": sequence, "next_by_subj": wanted_subject}
            )
            if "error" in answer:
                if answer["error"].get("code") == 404:
                    break
                raise of_answer(answer["error"], stream=settings.stream, consumer=settings.consumer)
            stored = answer["message"]
            sequence = stored["seq"] + 1
            if not settings.subjects or any(matches(stored["subject"], each) for each in settings.subjects):
                found.append(self._reader.looked_up(stored))
        return found

    async def close(self, handed: Sequence[Any]) -> None:
        """Give back what was handed out, in its order; where the connection is lost, the next client does."""
        client, self._client = self._client, None
        waiting = [*handed, *(message.handle for message in self._arrived)]
        self._arrived.clear()
        if client is None:
            return
        if client.is_connected and (self._ended is None or not self._ended.done()):
            with contextlib.suppress(Exception):
                for handle in waiting:
                    await client.publish(handle, b"-NAK")
                await client.flush(timeout=2)
        else:
            self._left += waiting
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(UnavailableError("it is closed"))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), timeout=5.0)


def nats_streams(settings: NatsSource, *, base: Path, clock: Clock) -> Callable[[], Nats]:
    """Return how a client of the stream is made, one for each connection; they know what the one before had."""
    left: list[str] = []
    return lambda: Nats(settings, base=base, clock=clock, left=left)
