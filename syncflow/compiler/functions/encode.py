"""Writing text for other places, and reading it: URLs, quoted literals, HTML, base64, JSON."""

from __future__ import annotations

import base64
import html
from urllib.parse import quote, unquote

import orjson

from syncflow.compiler.forms.encoded import read_base64, read_json
from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.parameters import anything, text
from syncflow.compiler.functions.rules import bounded, grown, no_longer, text_up_to
from syncflow.compiler.types.json import ANY, nullable
from syncflow.events import Json

GROUP = Group("encode", "Encoding")


@GROUP.function(
    "url_quote",
    "Write text so that it can stand anywhere in a URL; the slash is quoted too.",
    text(),
    returns=grown(12),
    examples=[("a b/ü@x", "a%20b%2F%C3%BC%40x")],
)
def _url_quote(value: str) -> str:
    return bounded(quote(value, safe="", errors="replace"))


@GROUP.function(
    "url_unquote",
    "Read text that was quoted for a URL.",
    text(),
    returns=no_longer,
    examples=[("a%20b%2F%C3%BC", "a b/ü")],
)
def _url_unquote(value: str) -> str:
    return unquote(value, errors="replace")


@GROUP.function(
    "backslash_quote",
    "Put a backslash before every backslash and quote, for a literal within single or double quotes of a query.",
    text(),
    returns=grown(2),
    examples=[("O'Brien", "O\\'Brien"), ('a"b\\', 'a\\"b\\\\')],
)
def _backslash_quote(value: str) -> str:
    return bounded(value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"'))


@GROUP.function(
    "double_quote",
    "Write every single quote twice, for a literal within single quotes of SQL or OData.",
    text(),
    returns=grown(2),
    examples=[("O'Brien", "O''Brien")],
)
def _double_quote(value: str) -> str:
    return bounded(value.replace("'", "''"))


@GROUP.function(
    "html_escape",
    "Write text so that it shows as it is in HTML and XML.",
    text(),
    returns=grown(6),
    examples=[("a < b & 'c'", "a &lt; b &amp; &#x27;c&#x27;")],
)
def _html_escape(value: str) -> str:
    return bounded(html.escape(value))


@GROUP.function(
    "base64_encode",
    "Write the UTF-8 bytes of text in base64.",
    text(),
    returns=grown(8),
    examples=[("Ada", "QWRh"), ("", "")],
)
def _base64_encode(value: str) -> str:
    return bounded(base64.b64encode(value.encode("utf-8", "surrogatepass")).decode())


@GROUP.function(
    "base64_decode",
    "Read text written in base64, also in lines, in the alphabet of URLs or unpadded; null where it is not base64 of UTF-8.",
    text(),
    returns=lambda kind: nullable(no_longer(kind)),
    examples=[("QWRh", "Ada"), ("QWRhIQ", "Ada!"), ("QWR", None), ("/w==", None)],
    unreadable=1,
)
def _base64_decode(value: str) -> str | None:
    found = read_base64(value)
    try:
        return None if found is None else found.decode()
    except ValueError:
        return None


@GROUP.function(
    "to_json",
    "Write a value as JSON text; null is null, not the text. Null too where it is nested deeper than 200.",
    anything(),
    returns=nullable(text_up_to(None)),
    deterministic=False,  # equal objects may have their properties in another order, and 1.0 equals 1
    examples=[({"a": [1, True]}, '{"a":[1,true]}'), ("Ada", '"Ada"'), (None, None)],
)
def _to_json(value: Json) -> str | None:
    if value is None:
        return None
    try:
        written = orjson.dumps(value).decode()
    except TypeError:  # too deep, or an integer beyond 64 bits
        return None
    return written if len(written) <= MOST_CHARACTERS else None


@GROUP.function(
    "parse_json",
    "Read JSON text; null where it is none, or is nested deeper than 100.",
    text(),
    returns=ANY,
    examples=[('{"a": [1]}', {"a": [1]}), ("{", None)],
    unreadable=1,
)
def _parse_json(value: str) -> Json:
    return read_json(value)
