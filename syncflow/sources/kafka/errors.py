"""Errors of the client library and of brokers → ours, in our own words: theirs quote addresses and users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from syncflow.errors import ProjectError, SyncflowError, UnavailableError


class KafkaError(Protocol):
    """What is read of an error of the library."""

    def name(self) -> str | None: ...
    def str(self) -> str | None: ...


LOST = "the brokers cannot be reached"

_READ_RIGHT = "kafka-acls --bootstrap-server … --add --allow-principal User:… --operation Read"

_REFUSED = {
    "TOPIC_AUTHORIZATION_FAILED": ("the user may not read a topic", f"{_READ_RIGHT} --topic …"),
    "GROUP_AUTHORIZATION_FAILED": ("the user may not read as this group", f"{_READ_RIGHT} --group …"),
    "CLUSTER_AUTHORIZATION_FAILED": ("the user may not do this in the cluster", f"{_READ_RIGHT} --topic …"),
    "_AUTHENTICATION": ("the brokers refuse the user or the password", "check user, password and mechanism in `sasl`"),
    "SASL_AUTHENTICATION_FAILED": (
        "the brokers refuse the user or the password",
        "check user, password and mechanism in `sasl`",
    ),
    "FENCED_INSTANCE_ID": (
        "another process reads under the name of this one",
        "run a project once, or give each its own journal",
    ),
    "INCONSISTENT_GROUP_PROTOCOL": (
        "the group has members that share partitions out in another way",
        "name a `group:` of its own",
    ),
    "INVALID_GROUP_ID": ("the brokers do not accept the name of the group", "name another `group:`"),
}
_UNREACHABLE = {
    "_RESOLVE": "the host of a broker is not known",
    "_AUTO_OFFSET_RESET": "messages that were to be read next are not there any more",
    "OFFSET_OUT_OF_RANGE": "messages that were to be read next are not there any more",
    "UNKNOWN_TOPIC_OR_PART": "a topic is not there any more",
    "UNKNOWN_TOPIC_ID": "a topic is not there any more",
    "_UNKNOWN_TOPIC": "a topic is not there any more",
    "_UNKNOWN_PARTITION": "a partition is not there any more",
    "_MAX_POLL_EXCEEDED": "this process was not heard of for too long, and its partitions were given away",
}
_LOST_NAMES = frozenset(
    {"_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "REQUEST_TIMED_OUT", "_RESOLVE"}
)


def reword(error: KafkaError) -> SyncflowError:
    """Return our error for one of the library."""
    name, said = error.name() or "", error.str() or ""
    if name == "_FATAL" and "fenced" in said:
        name = "FENCED_INSTANCE_ID"
    if "mechanism" in said and name in {"_AUTHENTICATION", "UNSUPPORTED_SASL_MECHANISM", "_UNSUPPORTED_FEATURE"}:
        return ProjectError("the brokers do not know this way to sign in", hint="check `mechanism` in `sasl`")
    if name == "_SSL":
        return _tls(said)
    if name in _REFUSED:
        words, hint = _REFUSED[name]
        return ProjectError(words, hint=hint)
    if name in _UNREACHABLE:
        return UnavailableError(_UNREACHABLE[name])
    if name in _LOST_NAMES:
        return UnavailableError(LOST, hint="check `servers`, and whether they want `tls` or `sasl`")
    return UnavailableError(f"the brokers answered with an error ({name.lstrip('_')})")


def _tls(said: str) -> ProjectError:
    if "verify failed" in said:
        words = "the certificate of the brokers is of no authority that is known here"
        return ProjectError(words, hint="name the authority: tls: {ca: FILE}")
    if "alert" in said and "certificate" in said:
        words, hint = "the brokers do not accept our certificate", "check `certificate` and `key` in `tls`"
        return ProjectError(words, hint=hint)
    return ProjectError("no TLS connection to the brokers came about", hint="check `tls`, and the port in `servers`")


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
        """Since when no broker is connected, as far as it is known."""
        self._last: UnavailableError | None = None

    def hear(self, error: KafkaError) -> None:
        found = reword(error)
        if isinstance(found, ProjectError):
            self._refused = found
        elif error.name() == "_RESOLVE":
            self._last = UnavailableError(found.message, hint="check `servers`")
        if error.name() in {"_ALL_BROKERS_DOWN", "_RESOLVE"} and self.down_since is None:
            self.down_since = self._monotonic()

    def recover(self) -> None:
        self.down_since = self._last = None

    def refusal(self) -> SyncflowError | None:
        """Return what will not mend by itself."""
        return self._refused

    def lost(self) -> SyncflowError:
        return (
            self._refused
            or self._last
            or UnavailableError(LOST, hint="check `servers`, and whether they want `tls` or `sasl`")
        )
