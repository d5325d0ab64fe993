"""A stream of NATS JetStream, by a durable pull consumer.

    stream ── consumer ── what is asked for ──▶ buffer ──▶ run
                 ▲◀──── acknowledged, or still worked on ────┘

Messages are asked for when the run wants some, so that no more are handed out than the run can hold. While they wait, the consumer is told
so (``hold``), and hands them to no one else.

A consumer hands out new messages before those that a reader had and lost, until the time of these is over (``ack_wait``): who went on at
once after a kill would read newer changes of a record first. So new messages are held back until those of before have come
(``EarlierFirst``). What this process itself had when its connection was lost is given back, or acknowledged again, by its next client
(``Left``), so that nothing is waited for.

An id is the number of the message in its stream, the same whenever it is handed out: what comes again is always known.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from syncflow.sources.queues.nats_earlier import EarlierFirst, Left
from syncflow.sources.queues.nats_errors import NO_CONSUMER, of_answer, of_client, of_denied
from syncflow.sources.queues.nats_messages import Reader
from syncflow.sources.queues.nats_signing import connect_to
from syncflow.sources.queues.tls import of_opening

ANSWER_SECONDS = 10.0
ASK_SECONDS = 1.0
"""How long the server keeps a request for messages. Short: a server of version 2.9 loses one of the messages that are given back, until
they are due by themselves, where it still has a request that no one listens to any more."""

UNANSWERED_SECONDS = 10.0

SLACK_SECONDS = 0.5
"""How much later than due a consumer hands out again what was lost."""

PAGE = 500
"""Most messages that are asked for before the run wants some."""

_log = logging.getLogger("syncflow")

# It tells what our errors tell, with tracebacks.
logging.getLogger("nats").setLevel(logging.CRITICAL + 1)


class Nats:
    """One stream, read by one consumer. ``left`` is kept by who makes clients."""

    hold_seconds: float | None = None

    def __init__(self, settings: NatsSource, *, base: Path, clock: Clock, left: Left | None = None) -> None:
        self.name = f"nats:{settings.stream}/{settings.consumer}"
        self._settings = settings
        self._base = base
        self._clock = clock
        self._left = left if left is not None else Left()
        self._client: Client | None = None
        self._ended: asyncio.Future[SyncflowError] | None = None
        self._reader = Reader(self.name, stream=settings.stream, made="")
        self._consumer: Consumer | None = None
        self._arrived = EarlierFirst()
        self._has_come = asyncio.Event()
        self._inbox = ""
        self._ask_seconds = ASK_SECONDS
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
                cause = self._cause if isinstance(error, nats.errors.NoServersError) else error
                is_tls = address.startswith("tls:") or self._settings.tls is not None
                failures.append(of_opening(of_client(cause), "NATS", self._settings.tls, over_tls=is_tls))
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
        """Find or make the consumer, and listen for messages; return once it is known which come first."""
        assert self._client is not None, "it is open"
        if await self._found_consumer() is None:
            await self._made_consumer()
        if self._left.handed:
            await self._clock.sleep(ASK_SECONDS)
        with self._reworded():
            await self._left.return_by(self._client)
            self._inbox = self._client.new_inbox()
            subject = f"{self._inbox}.*"
            await self._client.subscribe(subject, cb=self._on_message, pending_msgs_limit=0, pending_bytes_limit=0)
        self._consumer = consumer = await self._found_consumer()
        if consumer is None:
            raise self._gone()
        self.hold_seconds = consumer.wait_seconds / 3
        self._ask_seconds = min(ASK_SECONDS, consumer.wait_seconds / 2)
        until = self._clock.monotonic() + consumer.wait_seconds + SLACK_SECONDS
        self._arrived.wait_for(consumer.unacknowledged, up_to=consumer.delivered, until=until)
        is_told = False
        while self._arrived.is_waiting and not self._arrived.ready:
            await self._step(most=PAGE)
            if self._arrived.later and not is_told:
                fields = {"messages": consumer.unacknowledged, "seconds": consumer.wait_seconds}
                _log.info("source.waits_for_messages_of_the_reader_before", extra={"fields": fields})
                is_told = True

    # -- messages ------------------------------------------------------------------------------------------------------------

    async def receive(self, *, most: int) -> Sequence[Message]:
        while True:
            self._raise_if_ended()
            if self._arrived.ready:
                return self._arrived.take(most)
            await self._step(most=most)

    async def _step(self, *, most: int) -> None:
        """Ask for messages where none are under way, and wait until something comes."""
        assert self._consumer is not None, "it is started"
        self._raise_if_ended()
        self._has_come.clear()
        earlier = self._arrived
        wait_seconds = UNANSWERED_SECONDS
        if earlier.is_waiting and earlier.later and self._clock.monotonic() < earlier.until:
            # There are none of before to be had yet, and enough of what is newer.
            await self.hold(())
            wait_seconds = min(earlier.until - self._clock.monotonic(), self._consumer.wait_seconds / 3)
        elif not self._request:
            most = min(most, self._consumer.most or most, earlier.missing if earlier.is_waiting else most)
            await self._ask_for_messages(most)
        try:
            await asyncio.wait_for(self._has_come.wait(), max(0.0, wait_seconds))
        except TimeoutError:
            if wait_seconds == UNANSWERED_SECONDS:
                await self._unanswered()

    async def _unanswered(self) -> None:
        """A request is over and nothing was heard: it was lost, or there is no consumer."""
        self._request = ""
        if await self._found_consumer() is None:
            self._fail(self._gone())

    async def _ask_for_messages(self, most: int) -> None:
        assert self._client is not None, "it is open"
        settings = self._settings
        self._request, self._missing = f"{self._inbox}.{next(self._asked)}", most
        said = json.dumps({"batch": most, "expires": int(self._ask_seconds * 1_000_000_000)}).encode()
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{settings.stream}.{settings.consumer}", said, reply=self._request
        )

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            came = self._reader.handed_out(message)
            self._arrived.add(came, now=self._clock.monotonic())
            self._missing -= 1
            if self._missing <= 0:
                self._request = ""
        elif message.subject == self._request:
            await self._on_status(message.headers or {})
            if not self._request:
                self._arrived.nothing_came(now=self._clock.monotonic())
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
        words = handles[-1:] if self._consumer.acknowledges_all else handles
        try:
            await self._publish(words, b"+ACK", is_heard=True)
        except SyncflowError:
            self._left.settled += words
            raise

    async def hold(self, handles: Sequence[Any]) -> None:
        """Tell the consumer of these, and of those that wait in the buffer."""
        await self._publish([*handles, *self._arrived.handles], b"+WPI")

    async def _publish(self, handles: Sequence[str], word: bytes, *, is_heard: bool = False) -> None:
        """``is_heard``: return once the server has read it."""
        assert self._client is not None, "it is open"
        self._raise_if_ended()
        with self._reworded():
            for handle in handles:
                await self._client.publish(handle, word)
            if is_heard:
                await self._client.flush(timeout=int(ANSWER_SECONDS))

    @contextlib.contextmanager
    def _reworded(self) -> Iterator[None]:
        try:
            yield
        except (TimeoutError, nats.errors.Error, OSError) as error:
            self._raise_if_ended()
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
        client = self._client
        if client is None:
            return
        with contextlib.suppress(Exception):
            await self._request_over(has_more=bool(handed))
        self._client = None
        waiting = [*handed, *self._arrived.handles]
        self._arrived = EarlierFirst()
        if client.is_connected and (self._ended is None or not self._ended.done()):
            with contextlib.suppress(Exception):
                for handle in waiting:
                    await client.publish(handle, b"-NAK")
                await client.flush(timeout=2)
        else:
            self._left.handed += waiting
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(UnavailableError("it is closed"))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), timeout=5.0)

    async def _request_over(self, *, has_more: bool) -> None:
        """Wait until the server has no request for messages any more, where some are to be given back."""
        end = self._clock.monotonic() + self._ask_seconds + 1.0
        while self._request and (has_more or self._arrived.handles) and self._clock.monotonic() < end:
            self._raise_if_ended()
            self._has_come.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_come.wait(), 0.2)


def nats_streams(settings: NatsSource, *, base: Path, clock: Clock) -> Callable[[], Nats]:
    """Return how a client of the stream is made, one for each connection; they know what the one before had."""
    left = Left()
    return lambda: Nats(settings, base=base, clock=clock, left=left)
