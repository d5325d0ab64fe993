"""Quote a line of a file that may hold secrets: written-out values of settings for signing in are hidden, ``${…}`` is not.

Only files that configure systems hold any; elsewhere a line is quoted as it stands. What is hidden keeps its width, so that a caret
below it still points at the right place.
"""

from __future__ import annotations

import re

from syncflow.config.models.receivers import RECEIVERS
from syncflow.patterns import lazy_pattern

_CONFIGURES = lazy_pattern(
    r"""(?:^|[{,])\s*["']?(?:systems|profiles|sources?|journal|alerts|lineage|traces)["']?\s*:""", re.MULTILINE
)
_SECRET = lazy_pattern(r"secret|token|passw|passphrase|credential|(?:api|private|access|account)_?key", re.IGNORECASE)
_AUTH = lazy_pattern(r"\bauth\s*:\s*\{[^}]*")
_PAIR = lazy_pattern(r"""([\w.-]+["']?\s*:\s+)("[^"]*"?|'[^']*'?|[^\s\[{,}\]#&*!|>][^,}\]#]*)""")
_WITHIN = lazy_pattern(r"""((?!auth\b)\b[\w-]+["']?\s*:\s*\{)([^{}]*)(?=\}|$)""")
"""A mapping where a setting takes text: the secret may be its name as well."""

_ITEMS = lazy_pattern(r"((?:^\s*-|[\w.-]+\s*:\s*\[)\s*)([^\]{}:]+)(?=\]|$)")

_SECRET_LIST = lazy_pattern(
    r"([\w-]*(?:secret|token|passw|passphrase|credential)[\w-]*[\"']?\s*:\s*\[)([^\]]*)", re.IGNORECASE
)
_IN_ADDRESS = lazy_pattern(r"(://[^\s:@/\"']*:)((?:\$\{[^}]*\}|[^\s/\"'])+)(?=@)")
"""The password of an address: postgresql://user:password@host."""

_OPEN_OF_A_RECEIVER = lazy_pattern(r"(?:as|causes|every|parked|lag|sample|propagate|namespace)\b")
"""All else that is written of a receiver is its address or a header."""

_ITEM = lazy_pattern(r"\$\{[^}]*\}|[^\s,\"']")


def quotable(line: str, *, text: str, path: str) -> str:
    """Return a line of ``text`` as it may be shown; ``path`` is the place that is spoken of."""
    if not _CONFIGURES.search(text):
        return line
    signs_in = "auth" in path.split(".")
    auth = _AUTH.search(line)
    within = range(len(line)) if signs_in else range(*auth.span()) if auth else range(0)
    if signs_in:
        after = auth.start() if auth else 0
        line = line[:after] + _WITHIN.sub(lambda inner: _shown(inner, hide=True), line[after:])
    tells = path.partition(".")[0].partition("[")[0] in RECEIVERS

    def tells_it(name: str) -> bool:
        return tells and not _OPEN_OF_A_RECEIVER.match(name.lstrip())

    line = _PAIR.sub(
        lambda pair: _shown(pair, hide=pair.start() in within or tells_it(pair[1])),
        line,
    )
    line = _SECRET_LIST.sub(lambda items: items[1] + _ITEM.sub(_dotted, items[2]), line)
    line = without_password(line)
    is_item_of_secrets = bool(_SECRET.search(path))
    return _ITEMS.sub(lambda items: _shown(items, hide=signs_in or is_item_of_secrets or tells_it(items[1])), line)


def without_password(text: str) -> str:
    """Return a text with the passwords of addresses hidden, wherever it stands: an address may be written where none belongs."""
    return _IN_ADDRESS.sub(lambda password: password[1] + hidden(password[2]), text)


_DEFAULT = lazy_pattern(r"(?<=:-)[^{}]+(?=\})")


def hidden(value: str) -> str:
    """Return a secret as it may be shown: of a variable its name, of everything else its width."""
    if "${" in value:
        return _DEFAULT.sub(lambda default: re.sub(r"\S", "•", default[0]), value)
    return re.sub(r"[^\s\"']", "•", value)


def _dotted(item: re.Match[str]) -> str:
    return item[0] if item[0].startswith("${") else "•"


def _shown(match: re.Match[str], *, hide: bool) -> str:
    name, value = match[1], match[2]
    bare = value.strip("\"'")
    if not bare or not (hide or _SECRET.search(name)):
        return match[0]
    if bare.startswith("${"):
        return name + hidden(value)
    return name + re.sub(r"\S", "•", value)
