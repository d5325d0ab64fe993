"""What the tests of projects may expect, compared with what came of an event: payloads, requests, routes, dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from syncflow.adapters.prepare import RenderedRequest
from syncflow.compiler.functions.unreadable import Unreadable
from syncflow.config.models.trials import ErrorExpectation, RequestExpectation
from syncflow.events import Item, Json, Stage
from syncflow.testing.compare import NOTHING, Mismatch, Path, compare, words


class Letter(NamedTuple):
    """A dead letter that an event became, or one of its routes."""

    stage: Stage
    code: str
    reason: str
    route: str = ""

    @property
    def words(self) -> str:
        """The letter in a line: where, why, and the code that a test names."""
        about = f" on {self.route}" if self.route else ""
        return f"a dead letter{about}: {self.stage}: {self.reason} ({self.code})"


class Asked(NamedTuple):
    """One request that would be sent."""

    system: str
    request: RenderedRequest


def check_error(
    expected: str | ErrorExpectation | None, letters: Sequence[Letter], otherwise: str
) -> Iterator[Mismatch]:
    """Compare dead letters. ``otherwise`` says what came instead where there is none."""
    if expected is None:
        yield from (Mismatch((), "no dead letter", letter.words) for letter in letters)
        return
    wanted = ErrorExpectation(code=expected) if isinstance(expected, str) else expected
    if not any(_fits(wanted, letter) for letter in letters):
        found = "; ".join(letter.words for letter in letters) or otherwise
        yield Mismatch(("error",), f"a dead letter ({_described(wanted)})", found)


def _fits(wanted: ErrorExpectation, letter: Letter) -> bool:
    return (
        wanted.stage in {None, letter.stage}
        and wanted.code in {None, letter.code}
        and wanted.route in {None, letter.route}
        and (wanted.reason or "") in letter.reason
    )


def _described(wanted: ErrorExpectation) -> str:
    return ", ".join(f"{name} {getattr(wanted, name)}" for name in sorted(wanted.model_fields_set))


def check_unreadable(
    expected: Mapping[str, bool], payload: Item, met: Mapping[str, Sequence[Unreadable]]
) -> Iterator[Mismatch]:
    """Compare which fields are empty because a conversion cannot read a value that is there."""
    for name, wanted in expected.items():
        why = ", ".join(dict.fromkeys(each.why for each in met.get(name, ())))
        value = payload.get(name)
        if wanted and (not why or value is not None):
            found = NOTHING if name not in payload else words(value)
            yield Mismatch((name,), "a value that cannot be read", f"{found}, though {why}" if why else found)
        elif why and not wanted:
            yield Mismatch((name,), "no value that cannot be read", why)


def check_requests(
    expected: Sequence[RequestExpectation], found: Sequence[Asked], *, exactly: bool, path: Path = ("requests",)
) -> Iterator[Mismatch]:
    """Compare requests one by one, in their order."""
    if len(expected) != len(found):
        listed = ", ".join(f"{asked.request.method} {asked.request.url}" for asked in found) or "none"
        yield Mismatch(path, _requests(len(expected)), f"{_requests(len(found))}: {listed}" if found else listed)
        return
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        yield from _check_request(one, other, exactly=exactly, path=(*path, number))


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _check_request(expected: RequestExpectation, found: Asked, *, exactly: bool, path: Path) -> Iterator[Mismatch]:
    request = found.request
    if expected.system not in {None, found.system}:
        yield Mismatch((*path, "system"), str(expected.system), found.system)
    if expected.method is not None and expected.method.upper() != request.method:
        yield Mismatch((*path, "method"), expected.method, request.method)
    if expected.url is not None and not request.url.endswith(expected.url):
        yield Mismatch((*path, "url"), f"… {expected.url}", request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    for name, value in expected.headers.items():
        if headers.get(name.lower()) != value:
            there = headers.get(name.lower())
            yield Mismatch((*path, "headers", name), words(value), NOTHING if there is None else words(there))
    if "body" in expected.model_fields_set:
        yield from compare(expected.body, _read(request.body), exactly=exactly, path=(*path, "body"))


def _read(body: str) -> Json:
    """Return a body as JSON where it is JSON, else as text; null where there is none."""
    try:
        return json.loads(body)  # type: ignore[no-any-return]  # JSON
    except ValueError:
        return body or None
