"""Errors of NATS, of its JetStream and of its client → ours, in our own words: their texts may quote addresses and subjects of data."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

import nats.errors

from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.queues.tls import WANTS_OURS

NO_STREAM, NO_CONSUMER = 10059, 10014

_REFUSED: Mapping[int, tuple[str, str]] = {
    NO_STREAM: ("there is no stream {stream}", "make it over there, or correct `stream`"),
    NO_CONSUMER: (
        "the consumer {consumer} of the stream {stream} is gone: it or its stream was deleted",
        "the next run makes it again, and reads the stream from its `start`",
    ),
    10039: ("JetStream is not enabled for the account of the user", "enable it over there (`jetstream: enabled`)"),
    10076: ("JetStream is not enabled in the server", "start it with -js, or `jetstream {{}}` in its configuration"),
    10099: (
        "the stream {stream} is a work queue that another consumer reads",
        "name that one (`consumer:`), or other `subjects`",
    ),
    10100: (
        "the stream {stream} is a work queue in which another consumer reads these subjects",
        "name other `subjects`",
    ),
    10026: (
        "the stream {stream} may have no more consumers",
        "raise its limit over there, or name one that is there (`consumer:`)",
    ),
    10093: ("the stream {stream} holds no such subjects", "correct `subjects`"),
    10136: ("two of `subjects` say the same", "leave one of them out"),
    10138: ("two of `subjects` say the same", "leave one of them out"),
}


def of_answer(error: Mapping[str, Any], *, stream: str, consumer: str) -> SyncflowError:
    """Return our error for one that JetStream has answered with."""
    code, number = error.get("err_code", 0), error.get("code", 0)
    if code in _REFUSED:
        words, hint = (text.format(stream=stream, consumer=consumer) for text in _REFUSED[code])
        return ProjectError(words, hint=hint)
    if number in {408, 500, 503}:
        return UnavailableError(f"JetStream does not answer at the moment (error {code})")
    return ProjectError(f"JetStream refuses a request for the stream {stream} (error {code})")


def of_denied(said: str, *, stream: str, consumer: str) -> SyncflowError | None:
    """Return our error for a permission that the server says is missing; None where it says something else."""
    found = re.search(r"permissions violation for (publish|subscription) to \"?([^\s\"']+)", said, re.IGNORECASE)
    if found is None:
        return None
    subject = _subject(found[2], stream=stream, consumer=consumer)
    way = "publish to" if found[1].lower() == "publish" else "subscribe to"
    return ProjectError(
        f"the user of NATS may not {way} {subject}",
        hint=f'allow it over there: {way.split(maxsplit=1)[0]} = "{subject}"',
    )


def _subject(said: str, *, stream: str, consumer: str) -> str:
    """Return a subject as it is written; the client hands it on in lower case."""
    one = f"{stream}.{consumer}"
    asked = (
        f"STREAM.INFO.{stream}",
        f"STREAM.MSG.GET.{stream}",
        f"CONSUMER.INFO.{one}",
        f"CONSUMER.DURABLE.CREATE.{one}",
    )
    known = [f"$JS.API.{words}" for words in (*asked, f"CONSUMER.MSG.NEXT.{one}")]
    if said.lower().startswith("$js.ack."):
        return f"$JS.ACK.{one}.>"
    if said.lower().startswith("_inbox."):
        return "_INBOX.>"
    return next((each for each in known if each.lower() == said.lower()), said)


_SAID: tuple[tuple[str, type[SyncflowError], str, str], ...] = (
    (
        r"authorization|authentication|user jwt|account",
        ProjectError,
        "the server of NATS refuses the user",
        "check the user and password, the token or the credentials of the source",
    ),
    (
        r"connect call failed|multiple exceptions|refused",
        UnavailableError,
        "NATS cannot be reached at its address: is it running?",
        "",
    ),
    (r"getaddrinfo|name or service|nodename|name resolution", UnavailableError, "the host of NATS is not known", ""),
    (r"maximum connections", UnavailableError, "the server of NATS has no connection left", ""),
)


def of_client(error: BaseException | None) -> SyncflowError:
    """Return our error for one of the client's."""
    if isinstance(error, SyncflowError):
        return error
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, nats.errors.NoRespondersError):
        return of_answer({"err_code": 10076}, stream="", consumer="")
    said = str(error or "").lower()
    for pattern, kind, words, hint in _SAID:
        if re.search(pattern, said):
            return kind(words, hint=hint)
    late = isinstance(error, TimeoutError)
    return UnavailableError("NATS did not answer in time" if late else "the connection to NATS was lost")


def _of_tls(error: ssl.SSLError) -> SyncflowError:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"the certificate of the server of NATS is not believed: {error.verify_message}"
        return ProjectError(words, hint="name its authority: `tls: {ca: FILE}`")
    return UnavailableError(
        f"there is no TLS connection to NATS ({error.reason or 'no handshake'})",
        hint=WANTS_OURS,
    )
