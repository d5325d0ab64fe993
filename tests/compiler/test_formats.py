"""A format is one definition: what it takes, what it refuses, how long it can get."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.types.formats import FORMATS, lies_within

GOOD = {
    "email": ["ada@example.com", "a.b+c@sub.example.co", "o'brien@example.org", "x" * 64 + "@example.com"],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "date-time": ["2024-01-15T10:30:00.123456", "2024-01-15T10:30:00Z", "2024-01-15T10:30:00.123456789+05:30"],
    "date-time-zoned": ["2024-01-15T10:30:00Z", "2024-01-15T23:59:59-23:59"],
    "date-time-local": ["2024-01-15T10:30:00", "2024-01-15T10:30:00.5"],
    "time": ["10:30:00", "23:59:59.999Z", "00:00:00+01:00"],
    "uri": ["https://example.com/a?b=c#d", "mailto:ada@example.com", "urn:x:1"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
    "e164": ["+15551234567", "+44", "+123456789012345"],
    "decimal": ["12", "-0.50", "00012.50", "1" * 300],
    "boolean": ["true", "false"],
    "hostname": ["example.com", "a", "xn--bcher-kva.example", "1.2.3.4"],
}
BAD = {
    "email": ["ada", "a@b", "a@@b.co", "a b@c.de", "ä@b.co", "a@b.co\n", ".a@b.co", "a.@b.co", "a..b@c.de", "a@-b.co",
              "a@1.2",
              "x" * 65 + "@example.com", "a@" + "b" * 250 + ".co", '"a"@b.co', "a@b.co.", "<a@b.co>"],
    "date": ["2023-02-29", "2024-1-5", "0000-01-01", "2024-01-15T00:00:00",
             "２０２４-01-01", "2024-01-15\n"],
    "date-time": ["2024-01-15 10:30:00", "2024-01-15", "2024-01-15T24:00:00", "2024-01-15T10:30",
                  "2024-02-30T10:30:00Z",
                  "2024-01-15T10:30:00.1234567890", "2024-01-15T10:30:60Z",
                  "2024-01-15T10:30:00+0100", "2024-01-15T10:30:00z"],
    "date-time-zoned": ["2024-01-15T10:30:00"],
    "date-time-local": ["2024-01-15T10:30:00Z"],
    "time": ["25:00:00", "10:30", "10:30:00 Z"],
    "uri": ["example.com", "http://a b", "http://ä", "1http://x", "http:"],
    "uuid": ["123e4567e89b12d3a456426614174000", "g23e4567-e89b-12d3-a456-426614174000"],
    "e164": ["15551234567", "+05551234567", "+1", "+1234567890123456", "+1 555 123"],
    "decimal": ["", ".5", "12.", "1e3", "+1", "1,234", "1 000", "NaN", "１", "1\n", "1" * 301],
    "boolean": ["", "TRUE", "t", "1", "yes"],
    "hostname": ["-a.com", "a..b", "a_b.com", "", "a" * 64 + ".com", "example.com."],
}  # fmt: skip


def cases(table: dict[str, list[str]]) -> list[object]:
    return [pytest.param(name, text, id=f"{name}-{text[:40]}") for name, texts in table.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), cases(GOOD))
def test_a_text_of_the_format_passes(name: str, text: str) -> None:
    assert FORMATS[name].check(text)


@pytest.mark.parametrize(("name", "text"), cases(BAD))
def test_another_text_is_refused(name: str, text: str) -> None:
    assert not FORMATS[name].check(text)


def test_every_format_has_cases() -> None:
    assert set(GOOD) == set(BAD) == set(FORMATS)


@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_what_passes_is_ascii_and_within_the_declared_lengths(name: str, data: st.DataObject) -> None:
    known = FORMATS[name]
    text = data.draw(st.one_of(st.sampled_from(GOOD[name]), st.emails(), st.text(max_size=300)))
    if known.check(text):
        assert text.isascii()
        assert known.shortest <= len(text)
        assert known.longest is None or len(text) <= known.longest


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(sorted(FORMATS)), st.data())
def test_a_format_within_another_means_that_its_texts_pass_there(inner: str, outer: str, data: st.DataObject) -> None:
    if lies_within(inner, outer):
        assert FORMATS[outer].check(data.draw(st.sampled_from(GOOD[inner])))


@given(st.data(), st.sampled_from(sorted(FORMATS)))
def test_the_plain_pattern_admits_only_what_the_format_admits(data: st.DataObject, name: str) -> None:
    text = data.draw(st.from_regex(FORMATS[name].plain, fullmatch=True))
    assert FORMATS[name].check(text)


@pytest.mark.parametrize("name", FORMATS)
def test_the_plain_pattern_admits_everyday_texts(name: str) -> None:
    assert re.fullmatch(FORMATS[name].plain, "2024-01-15" if name == "date" else GOOD[name][0])
