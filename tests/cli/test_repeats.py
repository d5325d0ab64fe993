"""The log says the same of the same cause once, and how often it came again at the end."""

from __future__ import annotations

import logging

from syncflow.cli.repeats import AGAIN_SECONDS, Repeats


def record(event: str, *, at: float = 0.0, level: int = logging.WARNING, **fields: object) -> logging.LogRecord:
    said = {"msg": event, "levelno": level, "levelname": logging.getLevelName(level), "created": at, "fields": fields}
    return logging.makeLogRecord(said)


def left(repeats: Repeats) -> list[tuple[str, str, dict[str, object]]]:
    return [(each.levelname, each.getMessage(), each.fields) for each in repeats.left()]  # type: ignore[attr-defined]


def test_a_cause_is_told_once_and_counted_at_the_end() -> None:
    repeats = Repeats()
    news = [repeats.is_news(record("source.held_back", at=float(at), waiting=at, reason="full")) for at in range(5)]
    assert news == [True, False, False, False, False]
    assert left(repeats) == [("WARNING", "source.held_back", {"reason": "full", "repeated": 4})]
    assert left(repeats) == [], "it is said once"


def test_another_cause_is_news() -> None:
    repeats = Repeats()
    assert repeats.is_news(record("journal.not_tidied", reason="the disk is full"))
    assert repeats.is_news(record("journal.not_tidied", reason="locked"))
    assert repeats.is_news(record("marks.set_aside", reason="locked"))
    assert left(repeats) == []


def test_a_cause_that_lasts_is_told_again_after_a_while_with_its_count() -> None:
    repeats = Repeats()
    repeats.is_news(record("journal.not_tidied", reason="locked"))
    repeats.is_news(record("journal.not_tidied", at=1.0, reason="locked"))
    again = record("journal.not_tidied", at=AGAIN_SECONDS, reason="locked")
    assert repeats.is_news(again)
    assert again.fields == {"reason": "locked", "repeated": 1}  # type: ignore[attr-defined]
    assert left(repeats) == []


def test_pauses_of_a_system_are_told_once_though_they_are_no_warnings() -> None:
    repeats = Repeats()
    pauses = [
        record("system.paused", level=logging.INFO, system=name, seconds=seconds, reason="429")
        for seconds in (1.0, 2.5)
        for name in ("crm", "mail")
    ]
    assert [repeats.is_news(each) for each in pauses] == [True, True, False, False]


def test_facts_and_steps_are_always_told() -> None:
    repeats = Repeats()
    for _ in range(2):
        assert repeats.is_news(record("delivery.dead", level=logging.INFO, route="contacts", code="BAD", delivery=1))
        assert repeats.is_news(record("system.stopped", system="crm", reason="BAD_FIELD"))
        assert repeats.is_news(record("program.refused", reason="routes.yaml:1"))
    assert left(repeats) == []


def test_causes_without_end_are_told_and_not_remembered() -> None:
    repeats = Repeats()
    assert all(repeats.is_news(record("bug", error=str(number))) for number in range(3000))
    assert repeats.is_news(record("bug", error="2999"))
    assert not repeats.is_news(record("bug", error="0"))
