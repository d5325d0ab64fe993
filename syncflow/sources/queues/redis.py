"""A stream of Redis, read by one consumer of a group.

    taken over from consumers that have gone ─▶ own, not acknowledged ─▶ new ones
                     ▲                                                       │
                     └──────────────── every now and then ───────────────────┘

The group remembers which entries each consumer was handed and has not acknowledged. A run that starts again under the same name reads
those first, in the order of the ids, and then goes on with new entries: nothing is passed over, and the order is kept. Entries that another
consumer has held for too long are taken over.

An entry is known by its id wherever it is handed out again. A group that has gone (deleted, or the stream with it) is made again where this
client was; entries that were deleted over there before they were acknowledged are told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from syncflow.clock import Clock
from syncflow.config.models.source_redis import RedisSource
from syncflow.errors import ProjectError, SyncflowError
from syncflow.sources.base import Finding, Lag, Report
from syncflow.sources.queues.base import Message
from syncflow.sources.queues.redis_check import Unread, deleted_unread, findings, table, unread
from syncflow.sources.queues.redis_client import Commands, RedisCommands, Refusal
from syncflow.sources.queues.redis_entries import EntryId, before, message_of, parsed, text_of
from syncflow.sources.queues.tls import opening

BLOCK_MS = 5000
"""How long one command waits for entries."""

MISSING_SECONDS = 1.0
"""Between two looks for a stream that is not there."""

PAGE = 1000
"""Most ids in one command."""


class RedisStream:
    """``connect`` makes a client, which connects when it is used. ``is_preview``: nothing is made over there.

    ``earlier`` had the stream open before the connection was lost: a group that has gone meanwhile is made again where that one was.
    """

    def __init__(
        self,
        settings: RedisSource,
        *,
        connect: Callable[[], Commands],
        clock: Clock,
        is_preview: bool = False,
        earlier: RedisStream | None = None,
    ) -> None:
        self.name = f"redis:{settings.stream}"
        self.hold_seconds: float | None = settings.claim / 3
        self._settings = settings
        self._connect = connect
        self._clock = clock
        self._is_preview = is_preview
        self._commands: Commands | None = None
        self._mine = (settings.group, settings.consumer)
        self._begin: str = "0" if settings.start == "all" else "$"
        """Where a group that is made begins."""
        if earlier is not None:
            self._begin = earlier._begin
        self._pending: str | None = "0"
        """Behind which own entries of before are still to be read; None: they all are."""
        self._out: set[bytes] = set()
        """Ids that were handed out and are not settled."""
        self._reached: EntryId = (0, 0) if earlier is None else earlier.settled_to
        """The highest id that was handed out, by the group before or by this client."""
        self._claim_from, self._claim_at = b"0-0", 0.0
        self._told_unread: Unread = Unread() if earlier is None else earlier._told_unread
        self._had_group: bool = earlier is not None and earlier._had_group
        self._if_made: Report | None = None
        """What to say if the group has to be made again."""
        self._says_missing: bool = earlier is None or earlier._says_missing
        self._may_look = True
        """Whether it may be asked how much waits."""
        self._reports: list[Report] = []

    async def open(self) -> None:
        self._commands = self._connect()
        over_tls = self._settings.url.startswith("rediss:")
        with opening("Redis", self._settings.tls, over_tls=over_tls):
            await self._find_group()

    async def _find_group(self) -> None:
        if self._is_preview:
            return
        if self._had_group:
            await self._begin_again()
        if not await self._has_group():
            return
        with contextlib.suppress(Refusal):  # a group that has just gone is found out by the first read
            await self._claim(PAGE, only_ids=True)
            while self._claim_from != b"0-0":
                await self._claim(PAGE, only_ids=True)  # they are own ones now, and are read as such

    async def receive(self, *, most: int) -> Sequence[Message]:
        while True:
            try:
                found = await self._next(most)
            except Refusal as refusal:
                await self._mend(refusal)
                continue
            if found:
                return found

    async def _next(self, most: int) -> Sequence[Message]:
        if self._pending is not None:
            return await self._own(most, after=self._pending)
        if self._clock.monotonic() >= self._claim_at and (claimed := await self._claim(most)):
            return claimed
        answer = await self._read(most, ">", "BLOCK", BLOCK_MS)
        return await self._taken(answer)

    async def _own(self, most: int, *, after: str) -> Sequence[Message]:
        """Read on in the list of what this consumer was handed before."""
        answer = await self._read(most, after)
        self._pending = answer[-1][0].decode() if answer else None
        return await self._taken(answer)

    async def _read(self, most: int, after: str, *block: str | int) -> list[Any]:
        answer = await self._run(
            "XREADGROUP", "GROUP", *self._mine, "COUNT", most, *block, "STREAMS", self._settings.stream, after
        )
        return answer[0][1] if answer else []

    async def _claim(self, most: int, *, only_ids: bool = False) -> Sequence[Message]:
        """Take over a page of what others have held for too long; of the last page the next look is set."""
        idle = int(self._settings.claim * 1000)
        just = ("JUSTID",) if only_ids else ()
        answer = await self._run(
            "XAUTOCLAIM", self._settings.stream, *self._mine, idle, self._claim_from, "COUNT", most, *just
        )
        self._claim_from, found, gone = answer[0], answer[1], answer[2] if len(answer) > 2 else []
        if self._claim_from == b"0-0":
            self._claim_at = self._clock.monotonic() + self._settings.claim / 2
        self._tell_gone([entry for entry in gone if entry not in self._out])
        if only_ids:
            return ()
        return await self._taken([entry for entry in found if entry is not None and entry[0] not in self._out])

    async def _taken(self, entries: Sequence[Any]) -> Sequence[Message]:
        """Return entries as messages; those that are deleted over there are settled and told."""
        settings, messages, gone = self._settings, [], []
        for entry, fields in entries:
            if fields is None:
                gone.append(entry)
            else:
                messages.append(message_of(settings.stream, entry, fields, field=settings.field))
        if gone:
            await self._acknowledge(gone)
            self._tell_gone(gone)
        if messages:
            self._out.update(message.handle for message in messages)
            self._reached = max(self._reached, parsed(messages[-1].handle))
        return messages

    def _tell_gone(self, gone: Sequence[bytes]) -> None:
        if gone:
            count = f"{len(gone)} entries were" if len(gone) > 1 else "1 entry was"
            words = f"{count} deleted over there after being handed out, and before being acknowledged"
            self._reports.append(Report("missed", words))

    # -- the group -----------------------------------------------------------------------------------------------------------

    async def _has_group(self) -> bool:
        """Make the group unless it is there; a stream that is missing is waited for, and then read from its beginning."""
        try:
            await self._run("XGROUP", "CREATE", self._settings.stream, self._settings.group, self._begin)
            self._reports += [] if self._if_made is None else [self._if_made]
        except Refusal as refusal:
            if "requires the key to exist" in refusal.text:
                self._tell_missing()
                return False
            if refusal.code != "BUSYGROUP":
                raise self._explained(refusal) from None
        except ProjectError:
            # A user without the right to make a group may read one that is there.
            if not await self._may_read():
                raise
        await self._look()
        self._had_group, self._says_missing, self._if_made = True, True, None
        return True

    async def _may_read(self) -> bool:
        try:
            await self._read(1, "0")
        except (Refusal, ProjectError):
            return False
        return True

    def _tell_missing(self) -> None:
        self._begin, self._reached = "0", (0, 0)  # all that it will hold came after this run began to wait for it
        if self._says_missing:
            self._reports.append(Report("noted", f"there is no stream {self._settings.stream}: it is waited for"))
        self._had_group, self._says_missing, self._if_made = False, False, None

    async def _mend(self, refusal: Refusal) -> None:
        """Make a group again that has gone, and wait for a stream that has.

        Raises:
            ProjectError: it is something else.
        """
        if refusal.code not in {"NOGROUP", "UNBLOCKED"}:
            raise self._explained(refusal) from None
        if self._had_group:
            await self._begin_again()
        while not await self._has_group():
            await self._clock.sleep(MISSING_SECONDS)

    async def _begin_again(self) -> None:
        """Say where the group is made again: where this client was, or at the beginning of a stream that was made again too."""
        stream = self._settings.stream
        reached = self.settled_to
        try:
            last = parsed(table(await self._run("XINFO", "STREAM", stream))[b"last-generated-id"])
        except Refusal:
            return  # it is not there
        except ProjectError:
            last = (0, 0)  # it may not be asked
        self._begin = text_of(reached)
        if last < reached:
            self._begin, self._reached = "0", (0, 0)
            words = f"the stream {stream} was made again: it is read from its beginning"
            self._if_made = Report("again", words)
        else:
            words = f"the group {self._settings.group} had gone: it was made again where it was"
            self._if_made = Report("noted", words)

    @property
    def settled_to(self) -> EntryId:
        """Return the id up to which everything is settled."""
        return before(min(map(parsed, self._out))) if self._out else self._reached

    def _explained(self, refusal: Refusal) -> SyncflowError:
        stream = self._settings.stream
        if refusal.code == "WRONGTYPE":
            return ProjectError(f"the key {stream} is no stream", hint=f"`TYPE {stream}` says what it is")
        code = refusal.code if refusal.code.isalpha() and refusal.code.isupper() else "ERR"
        return ProjectError(f"Redis refused a command on the stream {stream} ({code})", hint="see the log of Redis")

    async def _run(self, *words: str | bytes | int) -> Any:
        assert self._commands is not None, "it is open"
        return await self._commands.run(*words)

    # -- what was handed out ---------------------------------------------------------------------------------------------------

    async def settle(self, handles: Sequence[bytes]) -> None:
        await self._acknowledge(handles)
        self._out.difference_update(handles)

    async def _acknowledge(self, ids: Sequence[bytes]) -> None:
        await self._in_pages("XACK", (self._settings.stream, self._settings.group), ids)

    async def hold(self, handles: Sequence[bytes]) -> None:
        with contextlib.suppress(Refusal):  # a group that has gone is found out by the next read
            await self._in_pages("XCLAIM", (self._settings.stream, *self._mine, 0), handles, "JUSTID")

    async def _in_pages(self, command: str, place: Sequence[str | int], ids: Sequence[bytes], *behind: str) -> None:
        try:
            for start in range(0, len(ids), PAGE):
                await self._run(command, *place, *ids[start : start + PAGE], *behind)
        except Refusal as refusal:
            if refusal.code == "NOGROUP":
                raise
            raise self._explained(refusal) from None

    # -- looking ---------------------------------------------------------------------------------------------------------------

    async def backlog(self) -> Lag | None:
        return await self._look() if self._may_look else None

    async def _look(self) -> Lag | None:
        """Ask how much waits, and whether entries were deleted that no one has read."""
        stream = self._settings.stream
        try:
            # In this order: what is deleted beyond what was handed out later can never be handed out.
            about = table(await self._run("XINFO", "STREAM", stream))
            groups = [table(each) for each in await self._run("XINFO", "GROUPS", stream)]
        except Refusal:
            return Lag(events=0)
        except ProjectError:
            self._may_look = False
            return None
        group = next((each for each in groups if each[b"name"].decode() == self._settings.group), None)
        if group is None:
            return None
        self._reached = max(self._reached, parsed(group[b"last-delivered-id"]))
        deleted = self._told_unread.or_more(deleted_unread(about, group))
        if deleted != self._told_unread:
            self._told_unread = deleted
            words = f"entries of {stream} were deleted over there (MAXLEN, XTRIM or XDEL) before they were read"
            self._reports.append(Report("missed", words))
        waits = unread(about, group)
        return None if waits is None else Lag(events=waits + int(group[b"pending"]))

    async def check(self) -> list[Finding]:
        commands = self._connect()
        try:
            return await findings(commands, self._settings)
        finally:
            await commands.close()

    async def peek(self, *, most: int) -> Sequence[Message]:
        try:
            found = await self._run("XRANGE", self._settings.stream, "-", "+", "COUNT", most)
        except Refusal as refusal:
            raise self._explained(refusal) from None
        return [message_of(self._settings.stream, *entry, field=self._settings.field) for entry in found]

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    async def close(self, handed: Sequence[bytes]) -> None:
        """What was handed out stays in the group's list under this consumer's name, and is read first by the next run."""
        commands, self._commands = self._commands, None
        if commands is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(commands.close(), 5)


def redis_streams(
    settings: RedisSource, *, base: Path, clock: Clock, is_preview: bool = False
) -> Callable[[], RedisStream]:
    """Return what makes a client of the stream for each opening. Paths are relative to ``base``."""

    def connect() -> Commands:
        return RedisCommands(settings, base=base)

    earlier: list[RedisStream] = []

    def make() -> RedisStream:
        last = earlier.pop() if earlier else None
        earlier.append(RedisStream(settings, connect=connect, clock=clock, is_preview=is_preview, earlier=last))
        return earlier[0]

    return make
