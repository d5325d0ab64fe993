"""Commands to Redis, and its refusals in our own words: its texts may hold an address, a user or a value."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MaxConnectionsError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as LateError

from syncflow.config.models.client_tls import ClientTls
from syncflow.config.models.source_redis import RedisSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError

Word: TypeAlias = "str | bytes | int"

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 20.0
"""How long an answer may take; longer than a read that waits for entries."""


class Refusal(Exception):  # noqa: N818  # an answer that the caller expects
    """Redis refused a command for a reason that its caller deals with; ``code`` is the first word of its answer, ``text`` all of it."""

    def __init__(self, text: str) -> None:
        super().__init__("refused")
        self.text = text
        self.code = text.split(" ", 1)[0]


class Commands(Protocol):
    """A client of one server. Answers are what the server says: lists, bytes, integers, None."""

    async def run(self, *words: Word) -> Any:
        """Send one command.

        Raises:
            Refusal: it was refused for a reason that depends on the stream and its group.
            UnavailableError: the connection is lost, or the server cannot do it now.
            ProjectError: a person must mend something.
        """
        ...

    async def close(self) -> None: ...


class RedisCommands:
    """Nothing is sent twice: an answer that was lost may have handed out entries, which are then read anew from the group's list."""

    def __init__(self, settings: RedisSource, *, base: Path) -> None:
        self._rights = rights_of(settings)
        options: dict[str, Any] = {
            "decode_responses": False,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
        }
        if settings.url.startswith("rediss://") and settings.tls is not None:
            options |= _certificates(settings.tls, base)
        try:
            pool = redis.asyncio.ConnectionPool.from_url(_without(settings.url, options), **options)
        except (RedisError, ValueError):
            raise ProjectError(
                "`url` is no address of a Redis", hint="write it like redis://user:password@host:6379/0"
            ) from None
        self._client = redis.asyncio.Redis.from_pool(pool)
        self._client.response_callbacks.clear()

    async def run(self, *words: Word) -> Any:
        try:
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]  # of the library
        except (RedisError, ClusterError, OSError) as error:
            raise reworded(error, rights=self._rights) from None

    async def close(self) -> None:
        await self._client.aclose()


def _certificates(tls: ClientTls, base: Path) -> dict[str, str]:
    named = {"ssl_ca_certs": tls.ca, "ssl_certfile": tls.certificate, "ssl_keyfile": tls.key or tls.certificate}
    return {name: str(_there(base / path)) for name, path in named.items() if path is not None}


def _without(url: str, options: Container[str]) -> str:
    """Return an address without those options that are not its to set."""
    parts = urlsplit(url)
    left = [(name, value) for name, value in parse_qsl(parts.query) if name not in options]
    return parts._replace(query=urlencode(left)).geturl()


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ProjectError(f"there is no file {path.name} for TLS", hint="see `tls:` of the source")
    return path


def rights_of(settings: RedisSource) -> str:
    """Return the command that gives a user the rights that the source needs."""
    user = urlsplit(settings.url).username if "://" in settings.url else None
    commands = "+xreadgroup +xack +xgroup|create +xautoclaim +xclaim +xinfo +xrange"
    return f"ACL SETUSER {'the_user' if user is None else user} ~{settings.stream} {commands}"


def reworded(error: Exception, *, rights: str = "") -> SyncflowError | Refusal:
    """Return our error for one of the library, or its answer where that is for the caller to judge."""
    for kinds, make in _WORDS:
        if isinstance(error, kinds):
            return make(rights)
    if isinstance(error, LostError | OSError):
        return _lost(error)
    text = str(error)
    if text.startswith("DENIED"):
        return ProjectError(
            "Redis runs in protected mode and hears only clients of its own machine",
            hint="set a password over there (`requirepass`, or a user) and name it in `url`",
        )
    if "unknown command" in text.lower() or "unknown subcommand" in text.lower():
        return ProjectError("Redis does not know a command that is needed", hint="Redis 6.2 or newer is needed")
    if "DB index" in text:
        return ProjectError("Redis has no database of this number", hint="check the number at the end of `url`")
    return Refusal(text)


def _lost(error: Exception) -> SyncflowError:
    """Say why there is no connection; only the kind of the failure is told."""
    cause, text = error.__cause__ or error.__context__, str(error)
    if isinstance(cause, ssl.SSLError) or "CERTIFICATE" in text or "SSL" in text:
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
            return ProjectError(
                "the certificate of Redis is not trusted",
                hint="name its authority in `tls: {ca: …}`, and the host in `url` as the certificate does",
            )
        return ProjectError("Redis refuses TLS, or this certificate", hint="check `rediss://` in `url`, and `tls:`")
    if "Invalid Database" in text:
        return ProjectError("Redis has no database of this number", hint="check the number at the end of `url`")
    hint = "check host and port in `url`, and the server"
    if "onnection refused" in text or "Connect call failed" in text or "No such file" in text:
        return UnavailableError("Redis refuses connections at its address: is it running?", hint=hint)
    if "Name or service" in text or "resolve" in text or "nodename" in text or "name resolution" in text:
        return UnavailableError("the host of Redis is not known", hint=hint)
    return UnavailableError("the connection to Redis was lost", hint=hint)


_CLUSTER = "`redis-cli -c` says which node (CLUSTER SLOTS): name that one in `url`"

_WORDS: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[str], SyncflowError]]] = (
    (
        (AuthenticationError, AuthorizationError),
        lambda _rights: ProjectError(
            "Redis refuses the user or the password",
            hint="check them in `url` (redis://user:password@host; signs such as @ or / are written %40, %2F)",
        ),
    ),
    (NoPermissionError, lambda rights: ProjectError("the user of Redis lacks a right", hint=rights)),
    (
        ReadOnlyError,
        lambda _rights: UnavailableError(
            "Redis is a replica here, which takes no acknowledgement", hint="name the primary in `url`"
        ),
    ),
    (BusyLoadingError, lambda _rights: UnavailableError("Redis is starting")),
    (MaxConnectionsError, lambda _rights: UnavailableError("Redis has no connection left")),
    (
        (MovedError, AskError),
        lambda _rights: ProjectError("another node of the Redis cluster keeps the stream", hint=_CLUSTER),
    ),
    ((ClusterDownError, TryAgainError), lambda _rights: UnavailableError("the Redis cluster is not complete")),
    (LateError, lambda _rights: UnavailableError("Redis did not answer in time")),
    (
        InvalidResponse,
        lambda _rights: ProjectError("no Redis answers at this address", hint="check host and port in `url`"),
    ),
)
"""What each kind of error becomes, the first that fits; a subclass stands before its parent."""
