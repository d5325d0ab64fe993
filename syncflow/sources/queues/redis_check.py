"""What there is to say of a stream and its server, out of what Redis tells about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncflow.config.models.source_redis import RedisSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.base import Finding
from syncflow.sources.queues.redis_client import Commands, Refusal
from syncflow.sources.queues.redis_entries import EntryId, parsed


def table(answer: Sequence[Any]) -> Mapping[bytes, Any]:
    """Return names and values in turn as a table."""
    return dict(zip(answer[::2], answer[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Unread:
    """What Redis 7 and newer know of entries that were deleted before a group was handed them."""

    count: int = 0
    """How many were trimmed behind the last one that was handed out; Redis before 7.2.6 counts those of the past again."""
    last: EntryId = (0, 0)
    """The last one that was deleted singly."""

    def or_more(self, other: Unread) -> Unread:
        return Unread(max(self.count, other.count), max(self.last, other.last))


def deleted_unread(stream: Mapping[bytes, Any], group: Mapping[bytes, Any]) -> Unread:
    handed, read = parsed(group[b"last-delivered-id"]), group.get(b"entries-read")
    first = parsed(stream.get(b"recorded-first-entry-id", b"0-0"))
    count = 0
    if read is not None and (first > handed or not stream[b"length"]):
        count = max(0, stream[b"entries-added"] - read - stream[b"length"])
    last = parsed(stream.get(b"max-deleted-entry-id", b"0-0"))
    return Unread(count, last if last > handed else (0, 0))


def unread(stream: Mapping[bytes, Any], group: Mapping[bytes, Any]) -> int | None:
    """Return how many entries a group was not handed yet. Redis 7.0 counts too many after a gap: the stream's ends bound it."""
    handed = parsed(group[b"last-delivered-id"])
    if handed >= parsed(stream[b"last-generated-id"]):
        return 0
    if handed < parsed(stream.get(b"recorded-first-entry-id", b"0-0")):
        return int(stream[b"length"])
    lag = group.get(b"lag")
    return None if lag is None else min(int(lag), int(stream[b"length"]))


async def findings(commands: Commands, settings: RedisSource) -> list[Finding]:
    """Look at the stream, its group and the server; nothing is made."""
    try:
        return [*await _stream(commands, settings), *await _server(commands)]
    except SyncflowError as error:
        unreachable = isinstance(error, UnavailableError)
        return [Finding(error.message, error.hint, is_good=False, is_unreachable=unreachable)]


async def _stream(commands: Commands, settings: RedisSource) -> list[Finding]:
    name = settings.stream
    try:
        about = table(await commands.run("XINFO", "STREAM", name))
    except Refusal as refusal:
        if refusal.code == "WRONGTYPE":
            return [Finding(f"the key {name} is no stream", f"`TYPE {name}` says what it is", is_good=False)]
        return [Finding(f"there is no stream {name} yet; a run waits for it")]
    length = Finding(f"the stream {name} has {about[b'length']:,} entries")
    return [length, *await _group(commands, settings, about)]


async def _group(commands: Commands, settings: RedisSource, stream: Mapping[bytes, Any]) -> list[Finding]:
    try:
        groups = [table(each) for each in await commands.run("XINFO", "GROUPS", settings.stream)]
    except Refusal:
        return []
    group = next((each for each in groups if each[b"name"].decode() == settings.group), None)
    if group is None:
        return [Finding(f"there is no group {settings.group} yet; a run makes it")]
    count = unread(stream, group)
    waits = "" if count is None else f", {count:,} entries wait"
    found = [Finding(f"the group {settings.group} is there{waits}, {group[b'pending']:,} are not acknowledged")]
    for each in map(table, await commands.run("XINFO", "CONSUMERS", settings.stream, settings.group)):
        name, held = each[b"name"].decode(errors="replace"), each[b"pending"]
        if name != settings.consumer and held:
            found.append(Finding(f"another consumer, {name}, holds {held:,} entries"))
    return found


async def _server(commands: Commands) -> list[Finding]:
    """Say of the server what endangers a stream; a user who may not ask is told nothing."""
    try:
        answer = await commands.run("INFO")
    except (ProjectError, Refusal):
        return []
    lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
    return list(_dangers({name: value for name, _, value in lines}))


def _dangers(server: Mapping[str, str]) -> Iterator[Finding]:
    if server.get("role") == "slave":
        yield Finding(
            "Redis is a replica here, which takes no acknowledgement", "name the primary in `url`", is_good=False
        )
    if server.get("aof_enabled") == "0":
        yield Finding(
            "Redis writes no append-only file: entries that were added last are lost when it is killed",
            "CONFIG SET appendonly yes",
        )
    if server.get("maxmemory_policy", "").startswith("allkeys") and server.get("maxmemory") not in {"0", None}:
        yield Finding(
            "Redis may remove the whole stream when its memory is full",
            "CONFIG SET maxmemory-policy noeviction (or volatile-lru)",
        )
