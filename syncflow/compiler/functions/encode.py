"""Writing text for other places: URLs, quoted literals, base64."""

from __future__ import annotations

from urllib.parse import quote, unquote

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import text
from syncflow.compiler.functions.rules import bounded, grown, no_longer

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
