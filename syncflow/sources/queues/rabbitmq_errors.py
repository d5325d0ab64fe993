"""Errors of the client of RabbitMQ → ours, in our own words: their texts may quote the address and frames with data."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPConnectionError, AMQPError

from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.queues.tls import WANTS_OURS

_SAID: tuple[tuple[str, type[SyncflowError], str, str], ...] = (
    (
        r"ACCESS_REFUSED - Login|PLAIN login refused|EXTERNAL login refused|user can only log in via localhost",
        ProjectError,
        "RabbitMQ refuses the user or the password",
        "check `url`; the user guest may only connect from the same machine",
    ),
    (
        r"NOT_FOUND - no queue|no queue '",
        ProjectError,
        "there is no queue {queue}",
        "declare it over there, or correct `queue` or the virtual host in `url`",
    ),
    (
        r"exclusive use|exclusive access|RESOURCE_LOCKED",
        UnavailableError,
        "the queue {queue} is in exclusive use by another connection",
        "end the other reader",
    ),
    (
        r"ACCESS_REFUSED",
        ProjectError,
        "the user has no right to read the queue {queue}",
        "rabbitmqctl set_permissions -p VHOST USER '' '' '^{queue}$'",
    ),
    (
        r"delivery acknowledgement on channel .* timed out",
        UnavailableError,
        "RabbitMQ took messages back that were not acknowledged in time (its consumer_timeout)",
        "",
    ),
    (
        r"NOT_IMPLEMENTED",
        ProjectError,
        "the queue {queue} is a stream, whose messages are not acknowledged one by one",
        "read a classic queue or a quorum queue",
    ),
    (
        # Why it closes the connection, the client does not hand on at this point.
        r"Connection\.OpenOk.*Connection\.Close",
        UnavailableError,
        "RabbitMQ refuses the virtual host: there is none of this name, the user has no right to it, or it is down",
        "check the name at the end of `url` (left out: /); rabbitmqctl set_permissions -p VHOST USER '' '' '^{queue}$'",
    ),
    (
        r"Connect call failed|Multiple exceptions",
        UnavailableError,
        "RabbitMQ cannot be reached at its address: is it running?",
        "",
    ),
    (
        r"getaddrinfo|Name or service|nodename|name resolution",
        UnavailableError,
        "the host of RabbitMQ is not known",
        "",
    ),
    (r"CONNECTION_FORCED", UnavailableError, "RabbitMQ closed the connection", ""),
    (r"NOT_FOUND - .* down or inaccessible|INTERNAL_ERROR", UnavailableError, "the queue {queue} is down", ""),
)


@contextmanager
def reworded(queue: str) -> Iterator[None]:
    """Raise our error for one of the client."""
    try:
        yield
    except (TimeoutError, AMQPError, *CONNECTION_EXCEPTIONS, ValueError) as error:
        raise reword(error, queue) from None


def reword(error: BaseException | None, queue: str) -> SyncflowError:
    """Return our error for one that ended a call, a channel or a connection."""
    said = " ".join(_texts(error))
    for pattern, kind, words, hint in _SAID:
        if re.search(pattern, said):
            return kind(words.format(queue=queue), hint=hint.replace("{queue}", queue))
    if isinstance(error, TimeoutError):
        return UnavailableError("RabbitMQ did not answer in time")
    cause = error.__cause__ if isinstance(error, AMQPConnectionError) and error.__cause__ is not None else error
    if isinstance(cause, ssl.SSLError):
        return _of_tls(cause)
    if isinstance(cause, ValueError | OverflowError):
        words, hint = (
            "a message holds a property that the client cannot decode",
            "take the first message out of the queue over there",
        )
        return ProjectError(words, hint=hint)
    return UnavailableError("the connection to RabbitMQ was lost")


def _of_tls(error: ssl.SSLError) -> SyncflowError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProjectError(
            f"the certificate of RabbitMQ is not believed: {error.verify_message}",
            hint="name its authority: `tls: {ca: FILE}`",
        )
    return UnavailableError(
        f"there is no TLS connection to RabbitMQ ({error.reason or 'no handshake'})",
        hint=f"amqps:// is for a port with TLS; {WANTS_OURS}",
    )


def _texts(error: BaseException | None) -> Iterator[str]:
    """Yield what the client and the server say, which only patterns see."""
    while error is not None:
        yield from map(str, error.args)
        error = error.__cause__
