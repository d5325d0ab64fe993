"""The pace that refusals teach, against other sides that count in all the ways there are: pure, in made-up time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from syncflow.runtime.delivery.pace import Pace

Takes = Callable[[float], bool]


@dataclass
class Bucket:
    """Tokens that come at a rate, at most so many at once."""

    rate: float
    most: float
    tokens: float = -1.0
    at: float = 0.0

    def __call__(self, now: float) -> bool:
        self.tokens = self.most if self.tokens < 0 else min(self.most, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Sliding:
    """At most so many within any such time; a refused request is not counted."""

    count: int
    seconds: float
    seen: deque[float] = field(default_factory=deque)

    def __call__(self, now: float) -> bool:
        while self.seen and self.seen[0] <= now - self.seconds:
            self.seen.popleft()
        if len(self.seen) >= self.count:
            return False
        self.seen.append(now)
        return True


@dataclass
class Fixed:
    """At most so many in each minute, second … of the other side's clock."""

    count: int
    seconds: float
    window: int = -1
    used: int = 0

    def __call__(self, now: float) -> bool:
        if int(now // self.seconds) != self.window:
            self.window, self.used = int(now // self.seconds), 0
        self.used += 1
        return self.used <= self.count


@dataclass
class Now_and_then:  # noqa: N801  # reads as a sentence in the tests
    """Refuses a share of all, however fast they come."""

    share: float
    random: Random = field(default_factory=lambda: Random(5))

    def __call__(self, now: float) -> bool:
        return self.random.random() >= self.share


@dataclass
class Told:
    taken: list[float]
    refused: list[float]

    def rate(self, first: float, last: float) -> float:
        return sum(first <= at < last for at in self.taken) / (last - first)

    def refused_share(self, first: float, last: float) -> float:
        bad = sum(first <= at < last for at in self.refused)
        return bad / max(1, bad + sum(first <= at < last for at in self.taken))


@dataclass
class Trouble:
    """Beside refusals: a share of requests fails in other ways, and some are followed by a minute in which nothing is sent."""

    failing: float
    outages: float
    random: Random

    def fails(self) -> bool:
        return self.random.random() < self.failing

    def seconds(self) -> float:
        return 60.0 if self.random.random() < self.outages else 0.0


def sent(
    takes: Takes, *, seconds: float, each: float = 0.02, asked: float | None = None, trouble: Trouble | None = None
) -> Told:
    """Send as fast as the pace lets, a request each ``each`` seconds at most; ``asked``: the pause that each refusal asks for."""
    pace, now, told = Pace(), 100.0, Told([], [])
    while now < 100.0 + seconds:
        now += max(each, pace.wait_seconds(now)) + (trouble.seconds() if trouble else 0.0)
        pace.start(now)
        if trouble and trouble.fails():
            continue
        if takes(now):
            told.taken.append(now - 100.0)
            pace.taken(now)
        else:
            told.refused.append(now - 100.0)
            pace.refused(now, asked_seconds=asked)
            now += asked or pace.pause_seconds()
    return told


@pytest.mark.parametrize("takes", [Sliding(5, 1.0), Bucket(5.0, 5.0)], ids=["sliding", "bucket"])
def test_within_20_seconds_a_steady_limit_is_used_and_hardly_exceeded(takes: Takes) -> None:
    told = sent(takes, seconds=120)
    assert told.rate(20, 120) >= 0.8 * 5
    assert told.refused_share(20, 120) < 0.02


@pytest.mark.parametrize(
    ("takes", "rate"),
    [(Sliding(2, 1.0), 2.0), (Sliding(100, 60.0), 100 / 60), (Fixed(100, 60.0), 100 / 60), (Sliding(10, 10.0), 1.0)],
    ids=["2 a second", "100 a minute", "100 a minute by the clock", "10 in 10 seconds"],
)
def test_other_limits_are_used_within_some_of_their_windows(takes: Takes, rate: float) -> None:
    told = sent(takes, seconds=1200)
    assert told.rate(300, 1200) >= 0.75 * rate
    assert told.refused_share(300, 1200) < 0.05


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_refusals_that_are_not_about_the_rate_do_not_slow_everything_down(share: float) -> None:
    """A host that is busy now and then, whatever it is sent: the pace must not sink with every refusal."""
    told = sent(Now_and_then(share), seconds=600, each=0.05)
    possible = 1 / (0.05 + share * 1.0)  # each refusal pauses for a second
    assert told.rate(60, 600) >= 0.45 * possible


def test_a_run_of_bad_luck_is_made_up_for() -> None:
    """Of a hundred hosts that are busy now and then, the one that is so most often at the start costs no hours."""
    slowest = min(sent(Now_and_then(0.12, Random(seed)), seconds=600, each=0.05).rate(0, 600) for seed in range(100))
    assert slowest >= 0.3, "a request every three seconds is the worst of a hundred"


def test_outages_and_idle_time_say_nothing_of_the_rate() -> None:
    """A host that is down now and then, and busy now and then, is not taken for one that allows a request in ten minutes."""
    rates = [
        sent(
            Now_and_then(0.1, Random(seed)),
            seconds=3600,
            each=0.05,
            asked=2.0,
            trouble=Trouble(0.3, 0.05, Random(seed)),
        ).rate(0, 3600)
        for seed in range(60)
    ]
    assert min(rates) >= 0.08, "outages alone leave about 0.2"


@pytest.mark.parametrize("asked", [None, 2.0], ids=["no pause asked for", "a shorter pause asked for"])
def test_a_request_in_half_a_minute_is_learned_too(asked: float | None) -> None:
    told = sent(Sliding(1, 30.0), seconds=3600, asked=asked)
    assert told.rate(600, 3600) >= 0.9 / 30
    assert told.refused_share(600, 3600) < 0.05


def test_one_that_is_taken_in_the_moment_of_a_refusal_says_nothing_of_pauses() -> None:
    pace = Pace()
    for now, refusals in ((100.0, 1), (200.0, 2), (300.0, 1)):
        pace.start(now)
        for _ in range(refusals):
            pace.refused(now)
        pace.taken(now)
    assert pace.rate
    assert pace.rate < 10


def test_what_is_never_refused_has_no_pace() -> None:
    assert sent(lambda _: True, seconds=10).rate(0, 10) >= 45
