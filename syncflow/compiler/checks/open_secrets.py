"""Secrets that ``routes.yaml`` itself holds outside ``systems.*.auth``: of sources, of the journal, of databases, of receivers.

A secret is the text of a key that is called so, the password of an address, or the address of a receiver (alerts, lineage, traces), which
lets everybody in who knows it. Addresses of this machine, and of nobody, may hold what they like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from syncflow.compiler.wire.secrets import SHORTEST_SECRET
from syncflow.config.models.receivers import RECEIVERS, is_secret_of_a_receiver
from syncflow.config.nodes import Path, ScalarNode
from syncflow.config.scalars import Unset
from syncflow.patterns import lazy_pattern

_KEYS = frozenset({"secret", "token", "bearer", "basic", "password", "secret_key"})
_KEYS_OF_OPTIONS = frozenset({"account_key", "access_key", "sas_key", "private_key"})
"""Further words by which client libraries and adapters call secrets among their options."""
_WORD = lazy_pattern(r"[A-Za-z0-9_-]{12,}")
"""A part of an address that nobody chose for being read."""


class Held(NamedTuple):
    """A secret in ``routes.yaml``: where it stands, what it is called, and the variable to keep it in."""

    path: Path
    scalar: ScalarNode
    name: str
    variable: str
    secret: str
    """The part of the text that is secret."""


def held_secrets(
    written: dict[Path, ScalarNode], *, is_at_home: Callable[[str], bool], is_named_secret: Callable[[str], bool]
) -> Iterator[Held]:
    """Yield the secrets among the scalars of ``routes.yaml``; whether they are written out is not asked here."""
    for path, scalar in written.items():
        text = str(scalar.value)
        words = [step for step in path if isinstance(step, str)]
        if isinstance(scalar.value, Unset) or not text:
            continue
        if words[0] in RECEIVERS:
            yield from _of_a_receiver(path, scalar, text, is_at_home, is_named_secret)
        elif words[-1] in _KEYS and words[0] in {"source", "sources"}:
            yield Held(path, scalar, _called(words), _variable(words), text)
        elif "options" in words[1:-1] and (is_named_secret(words[-1]) or words[-1] in _KEYS_OF_OPTIONS):
            yield Held(path, scalar, f"{words[-1]} is a secret, and", _variable(words), text)
        elif words[-1] in {"url", "servers", "endpoint", "proxy"} and not is_at_home(text):
            password = password_of(text)
            if password:
                yield Held(path, scalar, "the password in the address", _variable([*words[:-1], "password"]), password)
            for name, secret in secrets_in_query(text, is_named_secret):
                yield Held(path, scalar, f"{name} in the address", _variable([*words[:-1], name]), secret)


def _of_a_receiver(
    path: Path, scalar: ScalarNode, text: str, is_at_home: Callable[[str], bool], is_named: Callable[[str], bool]
) -> Iterator[Held]:
    owner = str(path[0]).upper()
    if not is_secret_of_a_receiver(path):
        return
    if path[-1] == "to":
        address = urlsplit(text)
        telling = [
            part for part in (*address.path.split("/"), address.query) if _WORD.search(part) and _has_digit(part)
        ]
        if telling and not is_at_home(text):
            yield Held(path, scalar, "the address, which lets in everyone who knows it,", f"{owner}_URL", text)
    elif is_named(str(path[-1])):
        yield Held(path, scalar, f"{path[-1]} is a secret, and", f"{owner}_TOKEN", text)


def _has_digit(text: str) -> bool:
    return any(letter in "0123456789" for letter in text)


def _called(words: list[str]) -> str:
    """Return how a message calls a secret of a source."""
    return "the secret of the webhook" if words[-1] == "secret" else f"{words[-1]} is a secret, and"


def _variable(words: list[str]) -> str:
    """Return the name of a variable: of the kind of source, of the name of one of several, or of the system."""
    if words[-1] in {"secret", "token"} and "webhook" in words:
        return "WEBHOOK_SECRET"
    owner = words[1] if words[0] in {"source", "sources", "systems"} else words[0]
    return f"{owner}_{words[-1]}".upper().replace("-", "_").replace(".", "_")


def secrets_in_query(address: str, is_named_secret: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield the parameters of an address that are called secrets, and are written out: name and text."""
    query = address.partition("?")[2].partition("#")[0]
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if is_named_secret(name) and len(value) >= SHORTEST_SECRET and "{" not in value and not value.startswith("$"):
            yield name, value


def password_of(address: str) -> str:
    """Return the password that an address holds; empty where it holds none."""
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
