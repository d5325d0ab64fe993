"""What is written as Python's own code does what the function of our library does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.inlining import FORMS
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import Text, closed_object, nullable

ANY_TEXT, EMAIL = Text(max_length=200), Text(format="email")
WORDS = st.sampled_from(
    ["Ada", "Lovelace", "van", "Van", "der", "Dr.", "Dr", "Jr", "Jr.", "III", "O'Brien", ",", "é", "ß", "İ", "."]
)
TEXTS = (
    st.text(max_size=200)
    | st.lists(WORDS | st.text(max_size=4), max_size=5).flatmap(
        lambda words: st.sampled_from([" ", "  ", ", ", "\t", ""]).map(lambda blank: blank.join(words)[:200])
    )
    | st.from_regex(FORMATS["email"].plain, fullmatch=True)
)
EMAILS = st.from_regex(FORMATS["email"].plain, fullmatch=True) | st.sampled_from(
    ["A.B'c@EXAMPLE.com", "ß@b.co"]
).filter(FORMATS["email"].check)


def compiled(text: str, kind: Text) -> Emitter:
    emitter = Emitter(closed_object(x=nullable(kind)))
    emitter.field("y", text)
    return emitter


def call(name: str, count: int) -> str:
    return f"truncate(x, `{count}`)" if name == "truncate" else f"{name}(x)"


@pytest.mark.parametrize("name", FORMS)
@given(text=st.none() | TEXTS, count=st.integers(-2, 12))
def test_inlined_code_does_what_the_function_does_with_any_text(name: str, text: str | None, count: int) -> None:
    expected = FUNCTIONS[name].call(*([text, count] if name == "truncate" else [text]))
    assert compiled(call(name, count), ANY_TEXT).function("made").call({"x": text}) == {"y": expected}


@pytest.mark.parametrize("name", FORMS)
@given(email=st.none() | EMAILS)
def test_inlined_code_does_what_the_function_does_with_an_address(name: str, email: str | None) -> None:
    expected = FUNCTIONS[name].call(*([email, 5] if name == "truncate" else [email]))
    assert compiled(call(name, 5), EMAIL).function("made").call({"x": email}) == {"y": expected}


@pytest.mark.parametrize("name", FORMS)
def test_where_the_types_prove_enough_nothing_is_called(name: str) -> None:
    assert f" {name}(" not in compiled(call(name, 5), EMAIL).function("made").source


@pytest.mark.parametrize("name", [name for name in FORMS if name != "truncate"])
def test_a_function_of_the_project_is_called_whatever_it_is_named(name: str) -> None:
    own = {name: FUNCTIONS["sha256"]}
    emitter = Emitter(closed_object(x=EMAIL), functions=own)
    emitter.field("y", f"{name}(x)")
    assert emitter.function("made").call({"x": "a@b.co"}) == {"y": FUNCTIONS["sha256"].call("a@b.co")}
