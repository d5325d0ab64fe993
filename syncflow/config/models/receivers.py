"""Addresses of the web to which a run tells something of itself. They may hold a token, so only their host is shown."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from syncflow.config.scalars import Unset, refuse
from syncflow.patterns import lazy_pattern

RECEIVERS = frozenset({"alerts", "lineage", "traces"})
"""Parts of ``routes.yaml`` in which ``to`` and ``headers`` are secret."""
_WEB = lazy_pattern(r"https?://[^\s/?#]+(?:[/?#]\S*)?")


def _web_address(value: Any) -> Any:
    if isinstance(value, Unset):
        return "https://unset.invalid"
    if not isinstance(value, str) or not _WEB.fullmatch(value):
        raise refuse(
            "this is no address of the web",
            expected="an address such as https://hooks.example.com/…",
            found="something else",  # it may hold a token
            code="SF205",
        )
    return str(value)


WebAddress = Annotated[str, BeforeValidator(_web_address)]


def is_secret_of_a_receiver(path: tuple[str | int, ...]) -> bool:
    """Whether a place of ``routes.yaml`` is the address of a receiver, or one of its headers: ``traces.to``, ``alerts.0.headers.x``."""
    if not path or path[0] not in RECEIVERS:
        return False
    inner = path[2:] if len(path) > 1 and isinstance(path[1], int) else path[1:]
    return inner[:1] in {("to",), ("headers",)}
