"""Errors of the client library and of brokers → ours, in our own words: theirs quote addresses and users."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from syncflow.errors import ProjectError, SyncflowError, UnavailableError


class KafkaError(Protocol):
    """What is read of an error of the library."""

    def name(self) -> str | None: ...
    def str(self) -> str | None: ...


LOST = "the brokers cannot be reached"

_REFUSED = {
    "_AUTHENTICATION": ("the brokers refuse the user or the password", "check user, password and mechanism in `sasl`"),
    "SASL_AUTHENTICATION_FAILED": (
        "the brokers refuse the user or the password",
        "check user, password and mechanism in `sasl`",
    ),
    "INCONSISTENT_GROUP_PROTOCOL": (
        "the group has members that share partitions out in another way",
        "name a `group:` of its own",
    ),
    "INVALID_GROUP_ID": ("the brokers do not accept the name of the group", "name another `group:`"),
}
_UNREACHABLE = {
    "_AUTO_OFFSET_RESET": "messages that were to be read next are not there any more",
    "OFFSET_OUT_OF_RANGE": "messages that were to be read next are not there any more",
    "UNKNOWN_TOPIC_OR_PART": "a topic is not there any more",
    "UNKNOWN_TOPIC_ID": "a topic is not there any more",
    "_UNKNOWN_TOPIC": "a topic is not there any more",
    "_UNKNOWN_PARTITION": "a partition is not there any more",
    "_MAX_POLL_EXCEEDED": "this process was not heard of for too long, and its partitions were given away",
}
_HINT = "check `servers`, and whether they want `tls` or `sasl`"
_TOLD: Mapping[str, SyncflowError] = {
    "fenced": ProjectError(
        "another process reads under the name of this one", hint="run a project once, or give each its own journal"
    ),
    "Unsupported SASL mechanism|mechanism handshake failed": ProjectError(
        "the brokers do not know this way to sign in", hint="check `mechanism` in `sasl`"
    ),
    "certificate verify failed|verify_failed": ProjectError(
        "the certificate of the brokers is of no authority that is known here",
        hint="name the authority: tls: {ca: FILE}",
    ),
    "alert .*certificate|alert unknown ca": ProjectError(
        "the brokers do not accept our certificate", hint="check `certificate` and `key` in `tls`"
    ),
    # A broker that ends in the middle of a handshake looks the same.
    "SSL handshake failed|SSL_HANDSHAKE": UnavailableError(
        "no TLS connection to the brokers came about", hint="check `tls`, and the port in `servers`"
    ),
    "resolve": UnavailableError("the host of a broker is not known", hint="check `servers`"),
}
"""What is told by a part of the library's text alone, the more exact ones first."""
SILENCE = frozenset(
    {"_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "REQUEST_TIMED_OUT", "_RESOLVE"}
)


def not_allowed(what: str, name: str) -> ProjectError:
    """Return the error for a missing right to a ``topic`` or ``group``, with the command that gives it."""
    hint = (
        "kafka-acls --bootstrap-server … --add --allow-principal User:… --operation Read --operation Describe"
        f" --{what} {name}"
    )
    return ProjectError(f"the user may not read {'the topic' if what == 'topic' else 'as the group'} {name}", hint=hint)


def reword(error: KafkaError, *, topic: str = "…", group: str = "…") -> SyncflowError:
    """Return our error for one of the library, which was met with a topic or as a group."""
    name, said = error.name() or "", error.str() or ""
    if name in {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}:
        return not_allowed("topic", topic) if name.startswith("TOPIC") else not_allowed("group", group)
    for pattern, found in _TOLD.items():
        if re.search(pattern, said):
            return type(found)(found.message, hint=found.hint)
    if name in _REFUSED:
        words, hint = _REFUSED[name]
        return ProjectError(words, hint=hint)
    if name in SILENCE or name in _UNREACHABLE:
        return UnavailableError(_UNREACHABLE.get(name, LOST), hint=_HINT if name in SILENCE else "")
    return UnavailableError(f"the brokers answered with an error ({name.lstrip('_')})")


def unusable(error: KafkaError) -> ProjectError:
    """Return our error for settings that the library refuses before it connects."""
    if "ssl" in (error.str() or ""):
        hint = "the files must be PEM, the key fit the certificate, and `password` the key"
        return ProjectError("a file of `tls` cannot be used", hint=hint)
    return ProjectError("the settings of the source cannot be used", hint="check `servers`, `group` and `sasl`")


class Trouble:
    """What the library tells of connections, asked after each call: it tries on for ever by itself."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._refused: SyncflowError | None = None
        self.down_since: float | None = None
        """Since when a broker is not connected; others may be."""
        self._last: UnavailableError | None = None

    def hear(self, error: KafkaError) -> None:
        found, name = reword(error), error.name()
        if isinstance(found, ProjectError):
            self._refused = found
        elif isinstance(found, UnavailableError) and name != "_ALL_BROKERS_DOWN":
            self._last = found
        if name in {"_ALL_BROKERS_DOWN", "_TRANSPORT", "_RESOLVE"} and self.down_since is None:
            self.down_since = self._monotonic()

    def recover(self) -> None:
        self.down_since = self._last = None

    def refusal(self) -> SyncflowError | None:
        """Return what will not mend by itself."""
        return self._refused

    def lost(self) -> SyncflowError:
        return self._refused or self._last or UnavailableError(LOST, hint=_HINT)
