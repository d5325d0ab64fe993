"""A member of a consumer group: which partitions are ours, where each begins, and the messages that come. All of it in one thread.

    assigned ──▶ begin (journal, group, `start`) ──▶ ours ── messages ──▶ batches ──▶ the source's buffer
                                                       │ revoked: what is committed to the group is what was acknowledged;
                                                       ▼          batches of it that were not handed out are dropped
                                                     no longer ours

While the run holds events back, partitions are paused and the brokers are still heard, so that they stay ours.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import KafkaException, TopicPartition

from syncflow.config.models.source_kafka import start_time
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import Lag, Report
from syncflow.sources.kafka.brokers import ANSWER_SECONDS, Brokers, Topic
from syncflow.sources.kafka.errors import LOST, Trouble, reword
from syncflow.sources.kafka.formats import Format
from syncflow.sources.kafka.messages import raw_of
from syncflow.sources.kafka.starting import Log, begin, is_begun

PROBE_SECONDS = 3.0
LAST_WORD_SECONDS = 2.0
LEAVE_SECONDS = 5.0
COMMIT_SECONDS = 1.0
WATCH_SECONDS = 30.0
"""The time between two looks at whether the topics are still the same ones."""


class Consumer(Protocol):
    """What is used of the library's consumer."""

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None: ...
    def poll(self, timeout: float) -> Any: ...
    def consume(self, num_messages: int, timeout: float) -> list[Any]: ...
    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]: ...
    def offsets_for_times(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]: ...
    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float, *, cached: bool = ...
    ) -> tuple[int, int] | None: ...
    def incremental_assign(self, partitions: list[TopicPartition]) -> None: ...
    def incremental_unassign(self, partitions: list[TopicPartition]) -> None: ...
    def pause(self, partitions: list[TopicPartition]) -> None: ...
    def resume(self, partitions: list[TopicPartition]) -> None: ...
    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> Any: ...
    def list_topics(self, topic: str, timeout: float) -> Any: ...
    def close(self) -> None: ...


@dataclass(eq=False, slots=True)
class Owned:
    """A partition that is ours. ``next``: behind the last message that came."""

    topic: str
    number: int
    partition: str
    topic_id: str
    next: int
    acknowledged: int
    """The offset behind what is acknowledged."""
    committed: int
    """Where the group stands; -1: nowhere yet."""
    end: int = 0
    """Behind the end of the log, markers of transactions included, once it was reached."""
    high: int = 0
    is_ours: bool = True

    @property
    def lag(self) -> int:
        done = max(self.acknowledged, self.end) if self.acknowledged == self.next else self.acknowledged
        return max(0, self.high - done)

    def at(self, offset: int) -> TopicPartition:
        return TopicPartition(self.topic, self.number, offset)


@dataclass(slots=True)
class Batch:
    """Messages of one partition, in order."""

    owned: Owned
    raws: list[Raw] = field(default_factory=list)
    bytes: int = 0


class Group:
    """``known`` are the journal's positions, kept up to date by the source; ``report`` takes what a person must know."""

    def __init__(
        self,
        consumer: Consumer,
        *,
        brokers: Brokers,
        name: str,
        topics: Mapping[str, Topic],
        known: Mapping[str, Position],
        start: str,
        format_: Format,
        trouble: Trouble,
        monotonic: Callable[[], float],
        report: Callable[[Report], None],
    ) -> None:
        self._consumer = consumer
        self._brokers = brokers
        self._name = name
        self._topics = topics
        self._known = known
        self._start = start
        self._format = format_
        self._trouble = trouble
        self._monotonic = monotonic
        self._report = report
        self._owned: dict[tuple[str, int], Owned] = {}
        self._by_name: dict[str, Owned] = {}
        self._were_ours: set[tuple[str, int]] = set()
        self._failure: SyncflowError | None = None
        self._is_held = self._is_closing = False
        self._tidied_at = -float("inf")
        self._watched_at = monotonic()
        consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def poll(self, most: int, seconds: float) -> list[Batch]:
        """Wait for messages, return those that are there.

        Raises:
            SyncflowError: reading cannot go on.
        """
        if self._is_held:
            self._is_held = False
            self._consumer.resume([each.at(0) for each in self._owned.values()])
        return self._take(most, seconds)

    def hold(self) -> list[Batch]:
        """Hear the brokers, and let no messages come."""
        if not self._is_held:
            self._is_held = True
            self._consumer.pause([each.at(0) for each in self._owned.values()])
        return self._take(1000, 0.0)  # messages that were on their way

    def _take(self, most: int, seconds: float) -> list[Batch]:
        try:
            first = self._consumer.poll(seconds)
            messages = [] if first is None else [first, *self._consumer.consume(most - 1, 0.0)]
        except KafkaException as error:
            raise reword(error.args[0], group=self._name) from None
        self._look_for_trouble()
        batches: dict[Owned, Batch] = {}
        for message in messages:
            self._sort_in(message, batches)
        self._tidy()
        return list(batches.values())

    def _sort_in(self, message: Any, batches: dict[Owned, Batch]) -> None:
        owned = self._owned.get((message.topic(), message.partition()))
        error = message.error()
        if error is not None:
            if error.name() != "_PARTITION_EOF":
                raise _of_partition(error, message.topic(), self._name)
            if owned is not None:
                owned.end = message.offset()
            return
        offset = message.offset()
        if owned is None or offset < owned.next:  # it was on its way when its partition was taken from us
            return
        batch = batches.get(owned)
        if batch is None:
            batch = batches[owned] = Batch(owned)
        position = Position(owned.partition, offset, None, owned.topic_id)
        batch.raws.append(raw_of(message, position, topic=owned.topic, number=owned.number, format_=self._format))
        batch.bytes += len(message)
        owned.next = offset + 1

    def _look_for_trouble(self) -> None:
        if self._failure is not None:
            raise self._failure
        if (refusal := self._trouble.refusal()) is not None:
            raise refusal
        if self._trouble.down_since is not None:
            if not self._answers(PROBE_SECONDS):
                raise self._trouble.lost()
            self._trouble.recover()

    def _answers(self, seconds: float) -> bool:
        try:
            self._consumer.list_topics(next(iter(self._topics)), seconds)
        except KafkaException:
            return False
        return True

    def _assigned(self, _consumer: object, partitions: Sequence[TopicPartition]) -> None:
        """Begin to read; what fails here is raised by the ``poll`` around it."""
        try:
            self._begin(partitions)
        except KafkaException as error:
            self._failure = reword(error.args[0], group=self._name)
        except SyncflowError as error:
            self._failure = error

    def _begin(self, partitions: Sequence[TopicPartition]) -> None:
        if not partitions:  # others have got some
            self._consumer.incremental_assign([])
            return
        committed = self._committed({each.topic for each in partitions})
        begun = []
        for each in partitions:
            place = (each.topic, each.partition)
            known_id = self._topics[each.topic].id
            log = Log(each.topic, each.partition, known_id, *self._ends(each))
            of_topic = committed[each.topic]
            is_new = is_begun(each.topic, self._known, of_topic)
            beginning = begin(
                log,
                known=self._known,
                committed=of_topic.get(each.partition),
                first=self._first(log, is_begun=is_new),
                was_ours=place in self._were_ours,
            )
            if beginning.report is not None:
                self._report(beginning.report)
            offset, stands = beginning.offset, of_topic.get(each.partition)
            owned = Owned(
                each.topic,
                each.partition,
                beginning.partition,
                known_id,
                offset,
                acknowledged=offset,
                committed=-1 if stands is None else stands,
                high=log.high,
            )
            self._owned[place] = self._by_name[beginning.partition] = owned
            begun.append(owned.at(offset))
        self._consumer.incremental_assign(begun)
        if self._is_held:
            self._consumer.pause(begun)

    def _committed(self, topics: set[str]) -> dict[str, dict[int, int | None]]:
        """Return where the group stands in every partition of these topics."""
        asked = [TopicPartition(topic, number) for topic in topics for number in range(self._topics[topic].partitions)]
        found: dict[str, dict[int, int | None]] = {topic: {} for topic in topics}
        for each in self._consumer.committed(asked, ANSWER_SECONDS):
            if each.error is not None:
                raise reword(each.error, topic=each.topic, group=self._name)
            found[each.topic][each.partition] = each.offset if each.offset >= 0 else None
        return found

    def _ends(self, place: TopicPartition) -> tuple[int, int]:
        ends = self._consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), ANSWER_SECONDS)
        if ends is None:
            raise UnavailableError(LOST)
        return ends

    def _first(self, log: Log, *, is_begun: bool) -> int:
        """Return the offset that ``start`` means. A partition that came to a topic later has nothing that was not meant to be read."""
        if self._start == "earliest" or (self._start == "latest" and is_begun):
            return log.low
        if self._start == "latest":
            return log.high
        moment = int(start_time(self._start).timestamp() * 1000)
        (found,) = self._consumer.offsets_for_times([TopicPartition(log.topic, log.number, moment)], ANSWER_SECONDS)
        if found.error is not None:
            raise reword(found.error, topic=log.topic)
        return found.offset if found.offset >= 0 else log.high

    def _revoked(self, _consumer: object, partitions: Sequence[TopicPartition]) -> None:
        gone = self._give_up(partitions)
        if not self._is_closing:
            self._commit(gone, asynchronous=True)  # it leaves before the word that they are free
        self._consumer.incremental_unassign(list(partitions))

    def _lost(self, _consumer: object, partitions: Sequence[TopicPartition]) -> None:
        """They have been given to another member already: nothing may be committed."""
        self._give_up(partitions)
        self._consumer.incremental_unassign(list(partitions))

    def _give_up(self, partitions: Sequence[TopicPartition]) -> list[Owned]:
        gone = [owned for each in partitions if (owned := self._owned.pop((each.topic, each.partition), None))]
        for owned in gone:
            owned.is_ours = False
            self._by_name.pop(owned.partition, None)
            self._were_ours.add((owned.topic, owned.number))
        return gone

    def acknowledge(self, position: Position) -> None:
        """May be called by another thread; what is no longer ours is not told to the group."""
        owned = self._by_name.get(position.partition)
        if owned is not None:
            owned.acknowledged = max(owned.acknowledged, position.offset + 1)

    def _commit(self, owned: Sequence[Owned], *, asynchronous: bool) -> None:
        """Tell the group how far the journal is, for those who look at it; the journal's positions are what counts."""
        moved = [each for each in owned if each.acknowledged > each.committed]
        if not moved:
            return
        with contextlib.suppress(KafkaException):
            self._consumer.commit(offsets=[each.at(each.acknowledged) for each in moved], asynchronous=asynchronous)
            for each in moved:
                each.committed = each.acknowledged

    def _tidy(self) -> None:
        """Commit and look how long the logs are, once a second; look whether the topics are the same ones now and then."""
        now = self._monotonic()
        if now < self._tidied_at + COMMIT_SECONDS:
            return
        self._tidied_at = now
        owned = list(self._owned.values())
        self._commit(owned, asynchronous=True)
        for each in owned:
            # What is held back is not fetched, so that the library does not hear how long its log is.
            with contextlib.suppress(KafkaException):
                ends = self._consumer.get_watermark_offsets(each.at(0), 1.0, cached=not self._is_held)
                each.high = max(each.high, ends[1]) if ends else each.high
        if now >= self._watched_at + WATCH_SECONDS:
            self._watched_at = now
            self._watch()

    def _watch(self) -> None:
        """A topic that was made again may have as many messages by now: offsets do not tell."""
        found = self._brokers.topics(list(self._topics))
        for name, topic in self._topics.items():
            if name not in found:
                raise UnavailableError(f"the topic {name} is not there any more")
            if found[name].id != topic.id:
                raise UnavailableError(f"the topic {name} was deleted and made again")

    def lag(self) -> Mapping[str, Lag]:
        lags = dict.fromkeys(self._topics, 0)
        for each in list(self._owned.values()):
            lags[each.topic] += each.lag
        return {topic: Lag(events=events) for topic, events in lags.items()}

    def close(self) -> None:
        """Leave; the library would wait for a broker that does not answer much longer than anyone wants to."""
        self._is_closing = True
        leaving = threading.Thread(target=self._leave, name="kafka-leaving", daemon=True)
        leaving.start()
        leaving.join(LEAVE_SECONDS)

    def _leave(self) -> None:
        """Commit what is acknowledged, where somebody listens, and leave."""
        if self._trouble.down_since is None and self._failure is None and self._answers(LAST_WORD_SECONDS):
            self._commit(list(self._owned.values()), asynchronous=False)
        with contextlib.suppress(KafkaException, RuntimeError):
            self._consumer.close()


def _of_partition(error: Any, topic: str | None, group: str) -> SyncflowError:
    """Return our error for one that a partition, a topic or the group met."""
    found = reword(error, topic=topic or "…", group=group)
    is_told = not topic or topic in found.message or group in found.message
    return found if is_told else type(found)(f"{found.message} (topic {topic})", hint=found.hint)
