"""Text is cut between characters as people see them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.functions.graphemes import cut

FAMILY = "👨\u200d👩\u200d👧"
FLAGS = "🇩🇪🇫🇷"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("Ada", 2, "Ad"),
        ("Zoe\u0308", 3, "Zo"),
        ("Zoe\u0308", 4, "Zoe\u0308"),
        ("a👍🏽b", 2, "a"),
        ("a👍🏽b", 3, "a👍🏽"),
        ("a❤\ufe0fb", 2, "a"),
        (f"a{FAMILY}", 5, "a"),
        (f"a{FAMILY}", 6, f"a{FAMILY}"),
        (FLAGS, 3, "🇩🇪"),
        (FLAGS, 1, "🇩"),
        (f"x{SCOTLAND}", 4, "x"),
        ("\u1112\u1161\u11ab글", 2, "\u1112\u1161"),
        ("가\u1112\u1161\u11ab", 3, "가"),
        ("न\u092eस\u094d\u0924\u0947", 3, "न\u092e"),
        ("a\r\nb", 2, "a"),
        ("a\nb", 2, "a\n"),
        ("\n\u0301", 1, "\n"),
        (FAMILY, 2, "👨\u200d"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("", 5, ""),
    ],
)
def test_text_is_cut_before_a_character_that_does_not_fit(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept


@given(st.text(st.characters() | st.sampled_from("\u0301\u200d\ufe0f🇩🇪👍🏽가\u1161\r\n")), st.integers(-1, 12))
def test_what_is_cut_is_a_beginning_no_longer_than_allowed_and_never_empty(text: str, most: int) -> None:
    kept = cut(text, most)
    assert text.startswith(kept)
    assert len(kept) <= max(most, 0)
    assert kept or not text or most < 1
