"""A queue: messages are settled once they are acknowledged, held while they wait, and known by their id when they come again."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

import pytest

from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Finding, Lag
from syncflow.sources.queues import Message, Preview, Queue, reopened_queue
from syncflow.testing import VirtualClock, run_virtually


class Server:
    """What a broker remembers: the messages that wait, and those that a client has and has not settled."""

    def __init__(self, *bodies: str) -> None:
        self.waiting: deque[Message] = deque()
        self.out: dict[int, Message] = {}
        self.settled: list[str] = []
        self.held: list[tuple[float, list[str]]] = []
        self.has_come = asyncio.Event()
        self._tags = 0
        for body in bodies:
            self.send(body)

    def send(self, body: str, *, broken: str = "") -> None:
        self.waiting.append(Message(body=body.encode(), handle=None, id=f"id-{body}", broken=broken))
        self.has_come.set()

    def hand_out(self, most: int) -> list[Message]:
        given: list[Message] = []
        while self.waiting and len(given) < most:
            self._tags += 1
            message = self.waiting.popleft()
            self.out[self._tags] = message
            given.append(Message(body=message.body, handle=self._tags, id=message.id, broken=message.broken))
        return given

    def return_all(self) -> None:
        self.waiting.extendleft(self.out.pop(tag) for tag in sorted(self.out, reverse=True))


class Client:
    """A client of such a server, which can be made to fail."""

    name = "fake:contacts"

    def __init__(self, server: Server, clock: VirtualClock, *, hold_seconds: float | None = None) -> None:
        self.server, self.clock, self.hold_seconds = server, clock, hold_seconds
        self.fails: dict[str, Exception] = {}
        self.returned: list[int] = []

    def _may_fail(self, call: str) -> None:
        if call in self.fails:
            raise self.fails[call]

    async def open(self) -> None:
        self._may_fail("open")

    async def receive(self, *, most: int) -> Sequence[Message]:
        while True:
            self._may_fail("receive")
            if given := self.server.hand_out(most):
                return given
            self.server.has_come.clear()
            await self.server.has_come.wait()

    async def settle(self, handles: Sequence[int]) -> None:
        self._may_fail("settle")
        self.server.settled += [self.server.out.pop(tag).body.decode() for tag in handles]

    async def hold(self, handles: Sequence[int]) -> None:
        self._may_fail("hold")
        if not handles:
            return
        self.server.held.append((self.clock.monotonic(), [self.server.out[tag].body.decode() for tag in handles]))

    async def backlog(self) -> Lag | None:
        self._may_fail("backlog")
        return Lag(events=len(self.server.waiting))

    async def check(self) -> list[Finding]:
        return [Finding("there is a queue")]

    async def peek(self, *, most: int) -> Sequence[Message]:
        return list(self.server.waiting)[:most]

    async def close(self, handed: Sequence[int]) -> None:
        self.returned += handed
        self.server.return_all()


def queue(client: Client, *, once: bool = False) -> Queue:
    return Queue(client, max_event=20, clock=client.clock, once=once)


def texts(raws: Sequence[Raw]) -> list[str]:
    return [raw.body.decode() for raw in raws]


def test_messages_are_settled_up_to_what_was_acknowledged() -> None:
    async def main() -> None:
        server, clock = Server("a", "b", "c"), VirtualClock()
        source = queue(Client(server, clock))
        await source.open({})
        first = [*await source.read(most=2), *await source.read(most=2)]
        assert texts(first) == ["a", "b", "c"]
        assert [raw.event_id for raw in first] == ["id-a", "id-b", "id-c"]
        assert [raw.position for raw in first] == [Position("fake:contacts", n) for n in (1, 2, 3)]
        assert source.kept_by("fake:contacts") == "broker"
        await source.acknowledge(first[1].position)
        await source.acknowledge(first[1].position)
        assert server.settled == ["a", "b"]
        await source.close()
        assert texts_of(server) == ["c"]

    run_virtually(main())


def texts_of(server: Server) -> list[str]:
    return [message.body.decode() for message in server.waiting]


def test_what_was_not_acknowledged_goes_back_when_it_is_closed_and_so_does_what_just_came() -> None:
    async def main() -> None:
        server, clock = Server("a", "b"), VirtualClock()
        client = Client(server, clock)
        source = queue(client)
        await source.open({})
        assert texts(await source.read(most=1)) == ["a"]
        assert texts(await source.read(most=1)) == ["b"]
        reading = asyncio.ensure_future(source.read(most=1))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        server.send("c")
        for _ in range(5):
            await asyncio.sleep(0)
        await source.close()
        assert client.returned == [1, 2, 3]
        assert texts_of(server) == ["a", "b", "c"]

    run_virtually(main())


def test_a_read_that_is_cancelled_loses_nothing() -> None:
    async def main() -> None:
        server, clock = Server(), VirtualClock()
        source = queue(Client(server, clock))
        await source.open({})
        seen: list[str] = []
        for turns, body in enumerate("abcdef"):
            reading = asyncio.ensure_future(source.read(most=10))
            for _ in range(3):
                await asyncio.sleep(0)
            server.send(body)
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                seen += texts(await reading)
        while len(seen) < 6:
            seen += texts(await source.read(most=10))
        assert seen == list("abcdef")
        await source.close()

    run_virtually(main())


def test_messages_that_wait_for_the_run_are_held_until_they_are_settled() -> None:
    async def main() -> None:
        server, clock = Server("a", "b"), VirtualClock()
        source = queue(Client(server, clock, hold_seconds=10.0))
        await source.open({})
        raws = await source.read(most=10)
        await clock.sleep(25)
        await source.acknowledge(raws[0].position)
        await clock.sleep(10)
        await source.acknowledge(raws[1].position)
        await clock.sleep(30)
        await source.close()
        assert [bodies for _, bodies in server.held] == [["a", "b"], ["a", "b"], ["b"]]

    run_virtually(main())


@pytest.mark.parametrize("call", ["hold", "backlog"])
@pytest.mark.parametrize(
    "error", [UnavailableError("it is gone"), ProjectError("no right"), RuntimeError("unforeseen")]
)
def test_an_error_of_a_task_of_its_own_is_told_by_the_next_read(call: str, error: Exception) -> None:
    async def main() -> None:
        server, clock = Server("a"), VirtualClock()
        client = Client(server, clock, hold_seconds=10.0)
        source = queue(client)
        await source.open({})
        await source.read(most=10)
        client.fails[call] = error
        await clock.sleep(20)
        with pytest.raises(type(error), match=str(error)):
            await source.read(most=10)
        await source.close()

    run_virtually(main())


def test_a_message_that_is_too_long_or_unreadable_is_broken_and_the_rest_goes_on() -> None:
    async def main() -> None:
        server, clock = Server("a", "x" * 21), VirtualClock()
        server.send("?", broken="it is not text")
        server.send("b")
        source = queue(Client(server, clock))
        await source.open({})
        raws = await source.read(most=10)
        assert [raw.broken for raw in raws] == ["", "longer than max_event, which is 20 bytes", "it is not text", ""]
        assert raws[1].length == 21
        assert raws[1].event_id == f"id-{'x' * 21}"
        await source.close()

    run_virtually(main())


def test_a_lost_connection_is_opened_again_and_what_was_not_settled_comes_again_with_its_id() -> None:
    async def main() -> None:
        server, clock = Server("a", "b", "c"), VirtualClock()
        clients: list[Client] = []

        def make() -> Client:
            clients.append(Client(server, clock))
            return clients[-1]

        source = reopened_queue(make, max_event=20, clock=clock)
        await source.open({})
        first = await source.read(most=3)
        await source.acknowledge(first[0].position)
        clients[0].fails["settle"] = UnavailableError("the connection was lost")
        await source.acknowledge(first[1].position)
        again = await source.read(most=3)
        assert [raw.event_id for raw in again] == ["id-b", "id-c"]
        await source.acknowledge(first[2].position)  # late, of the connection before: says nothing of this one
        assert server.settled == ["a"]
        await source.acknowledge(again[1].position)
        assert server.settled == ["a", "b", "c"]
        assert [report.kind for report in source.reports()] == ["lost", "back"]
        await source.close()

    run_virtually(main())


def test_a_run_that_reads_what_there_is_ends_when_the_queue_is_empty() -> None:
    async def main() -> None:
        server, clock = Server("a"), VirtualClock()
        source = queue(Client(server, clock), once=True)
        await source.open({})
        (first,) = await source.read(most=10)
        await source.acknowledge(first.position)
        assert list(await source.read(most=10)) == []
        server.send("b")
        assert texts(await source.read(most=10)) == ["b"]
        await source.close()

    run_virtually(main())


def test_a_queue_of_which_nothing_comes_while_messages_are_not_settled_is_not_empty() -> None:
    """A broker hands out so many and no more: what the run is still at may be all of them."""

    async def main() -> None:
        server, clock = Server("a"), VirtualClock()
        source = queue(Client(server, clock), once=True)
        await source.open({})
        (first,) = await source.read(most=10)
        reading = asyncio.ensure_future(source.read(most=10))
        await clock.sleep(60)
        assert not reading.done()
        await source.acknowledge(first.position)
        assert list(await reading) == []
        await source.close()

    run_virtually(main())


def test_it_says_how_much_waits() -> None:
    async def main() -> None:
        server, clock = Server("a", "b"), VirtualClock()
        source = queue(Client(server, clock))
        await source.open({})
        await clock.sleep(1)
        assert source.lag() == {"fake:contacts": Lag(events=2)}
        await source.read(most=10)
        await clock.sleep(20)
        assert source.lag() == {"fake:contacts": Lag(events=0)}
        assert await source.check() == [Finding("there is a queue")]
        await source.close()

    run_virtually(main())


def test_how_much_is_left_is_asked_once_more_at_the_end() -> None:
    async def main() -> None:
        server, clock = Server("a", "b"), VirtualClock()
        source = queue(Client(server, clock))
        await source.open({})
        await clock.sleep(1)
        raws = await source.read(most=10)
        await source.acknowledge(raws[-1].position)
        assert source.lag() == {"fake:contacts": Lag(events=2)}
        await source.close()
        assert source.lag() == {"fake:contacts": Lag(events=0)}

    run_virtually(main())


def test_a_preview_takes_nothing_away() -> None:
    async def main() -> None:
        server, clock = Server("a", "b", "c"), VirtualClock()
        source = Preview(Client(server, clock), max_event=20)
        await source.open({})
        assert texts(await source.read(most=2)) == ["a", "b"]
        assert list(await source.read(most=2)) == []
        await source.close()
        assert texts_of(server) == ["a", "b", "c"]
        assert server.settled == []

    run_virtually(main())
