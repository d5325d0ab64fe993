"""Questions to the brokers besides reading: which topics there are, and what a group and a user may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from syncflow.errors import SyncflowError
from syncflow.sources.kafka.connecting import ClientSettings
from syncflow.sources.kafka.errors import SILENCE, Trouble, not_allowed, reword, unusable

T = TypeVar("T")

ANSWER_SECONDS = 10.0
DOWN_SECONDS = 2.0
"""How long a host is tried at which no broker answers: a name may have several addresses, and brokers restart."""

_MISSING = frozenset({"UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "INVALID_TOPIC_EXCEPTION"})
_STARTING = frozenset({"COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR"})
"""What a broker says that has just started to look after a group."""
_TRIES = 20
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""What brokers without ids of topics answer: sixteen bytes of zero."""


@dataclass(frozen=True, slots=True)
class Topic:
    id: str
    """It differs where a topic of the same name was made again; empty where the brokers have no ids."""
    partitions: int
    rights: frozenset[str] = frozenset()
    """What the user may do with it, where that was asked."""


@dataclass(frozen=True, slots=True)
class GroupState:
    state: str
    members: int
    rights: frozenset[str]


class Brokers(Protocol):
    """Asked by one thread. Each call raises ``ProjectError`` for what is refused, ``UnavailableError`` without an answer."""

    def topics(self, names: Sequence[str], *, with_rights: bool = False) -> Mapping[str, Topic]:
        """Return those of the topics that there are."""
        ...

    def group(self, name: str) -> GroupState: ...


class RealBrokers:
    def __init__(self, settings: ClientSettings, *, trouble: Trouble, monotonic: Callable[[], float]) -> None:
        self._trouble = trouble
        self._monotonic = monotonic
        try:
            self._admin = AdminClient(settings | {"error_cb": trouble.hear})
        except KafkaException as error:
            raise unusable(error.args[0]) from None

    def topics(self, names: Sequence[str], *, with_rights: bool = False) -> Mapping[str, Topic]:
        asked = self._admin.describe_topics(
            TopicCollection(list(names)), request_timeout=ANSWER_SECONDS, include_authorized_operations=with_rights
        )
        found = {}
        for name, future in asked.items():
            try:
                told = self._answer(future)
            except _RefusedError as refused:
                if refused.name in _MISSING:
                    continue
                if refused.name == "TOPIC_AUTHORIZATION_FAILED":
                    raise not_allowed("topic", name) from None
                raise refused.error from None
            id_ = str(told.topic_id)
            found[name] = Topic("" if id_ == _NO_ID else id_, len(told.partitions), _rights(told))
        return found

    def group(self, name: str) -> GroupState:
        for _ in range(_TRIES):
            asked = self._admin.describe_consumer_groups(
                [name], request_timeout=ANSWER_SECONDS, include_authorized_operations=True
            )
            try:
                told = self._answer(asked[name])
            except _RefusedError as refused:
                if refused.name not in _STARTING:
                    return self._refused_group(name, refused)
                last = refused.error
                self._admin.poll(0.3)
            else:
                return GroupState(told.state.name, len(told.members), _rights(told))
        raise last

    def _refused_group(self, name: str, refused: _RefusedError) -> GroupState:
        if refused.name in {"GROUP_ID_NOT_FOUND", "_NOENT"}:
            return GroupState("DEAD", 0, frozenset({"READ"}))
        if refused.name == "GROUP_AUTHORIZATION_FAILED":
            raise not_allowed("group", name) from None
        raise refused.error from None

    def _answer(self, future: Future[Any]) -> Any:
        """Wait for an answer, but no longer than there is hope.

        Raises:
            _RefusedError: the brokers answer with an error.
            SyncflowError: they do not answer.
        """
        while not future.done():
            self._admin.poll(0.1)  # what is wrong with a connection is heard here alone
            down = self._trouble.down_since
            if self._trouble.refusal() or (down is not None and self._monotonic() > down + DOWN_SECONDS):
                raise self._trouble.lost()
        try:
            return future.result()
        except KafkaException as error:
            name, said = error.args[0].name(), reword(error.args[0])
            if self._trouble.refusal() or name in SILENCE:
                raise self._trouble.lost() from None
            raise _RefusedError(name, said) from None


class _RefusedError(Exception):
    def __init__(self, name: str, error: SyncflowError) -> None:
        super().__init__(name)
        self.name = name
        self.error = error


def _rights(told: Any) -> frozenset[str]:
    return frozenset(each.name for each in told.authorized_operations or ())
