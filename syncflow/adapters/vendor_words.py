"""A vendor's words, as far as they may be kept and shown: without values that were sent, addresses and long numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import orjson

from syncflow.adapters.redact import redact
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import Root
from syncflow.events import Json

SEARCHED_CHARACTERS = 4096
"""A signal shows less of the vendor's words; the rest need not be searched for values."""
BODY_BYTES = 4096
_PERSONAL = re.compile(r"[^\s@<>\"'(]+@[^\s@<>\"')]+|(?<!0x)\+?\d(?:[\s().-]{0,2}\d){7,}")


def impersonal(text: str) -> str:
    """Return a vendor's words without e-mail addresses and long numbers: they may be those of a person whom only it knows."""
    return _PERSONAL.sub("…", text)


def without_values(text: str, records: Sequence[Root]) -> str:
    """Return a vendor's words without the values that were sent to it: they may be about a person.

    Values are looked for in the words, never the words in one pattern of all values: a batch has thousands of these. A value of
    several words is found by its first word, so that the cost is that of a look-up for each word.
    """
    return redact(text[:SEARCHED_CHARACTERS], _texts_sent(text, records))


def _texts_sent(text: str, records: Sequence[Root]) -> Iterable[str]:
    for record in records:
        payload, key = record["payload"], record["key"]
        assert isinstance(payload, dict)
        assert isinstance(key, dict)
        for value in (*payload.values(), key["value"]):
            if value is None or value is True or value is False or value == "":
                continue
            if isinstance(value, str):
                if len(value) <= len(text):  # a longer one cannot be in it
                    yield value
            else:
                yield as_text(value)


def shown(body: bytes) -> str:
    """Return the beginning of a body, twice as much as is kept: a secret at the cut must still be seen whole when it is hidden."""
    return body[: 2 * BODY_BYTES].decode("utf-8", "replace")


def shortened(text: str) -> str:
    return text.encode("utf-8", "replace")[:BODY_BYTES].decode("utf-8", "ignore")


def shown_json(element: Json) -> str:
    return shown(orjson.dumps(element))
