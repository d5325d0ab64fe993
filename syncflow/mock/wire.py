"""The little HTTP that every mocked system speaks: a call comes in whole, an answer goes out whole, a table finds who answers.

Paths match, in upper or lower case and with or without a slash at the end, because the vendors' clients differ in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

JSON = "application/json;charset=UTF-8"


class BadJsonError(Exception):
    """The body is not JSON; the text says where."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read whole. ``path`` starts behind the system's mount and is still percent-encoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""

    def json(self) -> Any:
        """The body as JSON; BadJsonError when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadJsonError(f"{error.msg} at [line:{error.lineno}, column:{error.colno}]") from error

    def form(self) -> dict[str, str]:
        """The body as a URL-encoded form, laid over the query."""
        return {**self.query, **dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))}


@dataclass(slots=True)
class Answer:
    """One answer, whole."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    type: str = JSON


def json_answer(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    """An answer whose body is ``value`` as JSON."""
    return Answer(status, orjson.dumps(value), headers or {})


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of a system's table: what it answers, and how the API page describes it."""

    method: str
    template: str
    pattern: re.Pattern[str]
    handler: Callable[..., Answer]


class Routes:
    """A system's table of routes. Templates hold ``{names}``; each stands for one path segment."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def on(self, method: str, template: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Register the decorated function ``(system, call, **segments) -> Answer``."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), re.IGNORECASE)

        def register(handler: Callable[..., Answer]) -> Callable[..., Answer]:
            self.table.append(Route(method, template, pattern, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Callable[..., Answer], dict[str, str]] | None:
        """Who answers; the segments come decoded. None: nobody. LookupError: the path is known, for other methods only."""
        known = False
        for route in self.table:
            found = route.pattern.fullmatch(path)
            if found is None:
                continue
            if route.method == method:
                return route.handler, {name: unquote(text) for name, text in found.groupdict().items()}
            known = True
        if known:
            raise LookupError(method)
        return None
