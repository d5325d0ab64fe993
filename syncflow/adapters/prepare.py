"""Requests made ready: templates rendered, bodies wrapped, sign-in added. Pure.

The same code renders for the wire and for a person; for the latter it is given a sign-in and a token that are masked.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from syncflow.adapters.http import HttpRequest
from syncflow.adapters.sendable import (
    MAX_HEADER_BYTES,
    MAX_TOKEN_BYTES,
    UnsendableError,
    check_address,
    check_headers,
    json_body,
)
from syncflow.adapters.signing import signature_of
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import Cells, Renders, RequestPlan, Root, SignaturePlan, WirePlan
from syncflow.errors import DataError
from syncflow.events import Json

MASK = "***"
SIGNED = "<made when it is sent>"


class CredentialsError(UnsendableError):
    """The credentials of the system cannot be put on the wire, regardless of the record."""


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """A request as a person may see it: secrets masked."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    step: str = ""
    deliveries: tuple[int, ...] = ()
    """Whose it is: those of the batch, or one part of them."""
    condition: str = ""
    """When it is sent, where that hangs on what a look-up finds."""


def prepare(wire: WirePlan, plan: RequestPlan, root: Root, *, base_url: str) -> HttpRequest:
    """Render a request of an operation, with the adapter's path and headers and the sign-in.

    Raises:
        DataError: an expression or a template cannot be made from these records.
    """
    try:
        url = plan.url(root)
        if not plan.absolute:
            url = base_url + (plan.path or wire.path)(root) + url
        query = [*plan.query(root).items(), *wire.sign_in.query(root).items()]
        headers = [*wire.headers(root).items(), *plan.headers(root).items()]
        signed = [*wire.sign_in.headers(root).items()]
        prepared = _prepared(plan, url, query, headers, root, signed=signed)
        return prepared if wire.sign_in.signature is None else _to_be_signed(prepared, wire.sign_in.signature, root)
    except UnicodeEncodeError:
        raise UnsendableError("encoding", "a value holds a character that cannot be encoded") from None


def prepare_sign_in(plan: RequestPlan, root: Root, *, base_url: str) -> HttpRequest:
    """Render the request for a token: neither the adapter's path nor its sign-in is in it."""
    url = plan.url(root) if plan.absolute else base_url + plan.url(root)
    try:
        return _prepared(plan, url, [*plan.query(root).items()], [*plan.headers(root).items()], root, signed=())
    except UnicodeEncodeError:
        raise UnsendableError("encoding", "a value holds a character that cannot be encoded") from None


def check_sign_in(wire: WirePlan, root: Root, *, base_url: str) -> None:
    """Refuse what every request would carry, where it cannot be put on the wire: for a check that sends no request.

    Raises:
        DataError: says what of it, never its text.
    """
    try:
        query = urlencode([*wire.sign_in.query(root).items()])
        check_address(f"{base_url}?{query}" if query else base_url)
        _check_signed([*wire.sign_in.headers(root).items()], most=MAX_TOKEN_BYTES)
    except UnicodeEncodeError:
        raise CredentialsError("credentials", "it cannot be signed in with: a character cannot be encoded") from None


def _check_signed(signed: Sequence[tuple[str, str]], *, most: int = MAX_HEADER_BYTES) -> None:
    try:
        check_headers(signed, most=most)
    except UnsendableError as error:
        raise CredentialsError("credentials", f"it cannot be signed in with: {error.message}") from None


def _prepared(
    plan: RequestPlan,
    url: str,
    query: list[tuple[str, str]],
    headers: list[tuple[str, str]],
    root: Root,
    *,
    signed: Sequence[tuple[str, str]],
) -> HttpRequest:
    body = b""
    if plan.body is not None:
        body = json_body(plan.body(root))
        headers = [("Content-Type", "application/json"), *headers]
    elif plan.form is not None:
        body = urlencode(plan.form(root)).encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *headers]
    elif plan.csv is not None:
        body = _table(plan.csv(root), plan.place, plan.cells)
        headers = [("Content-Type", "text/csv"), *headers]
    elif plan.ndjson is not None:
        body = _lines(plan.ndjson(root), plan.place)
        headers = [("Content-Type", "application/x-ndjson"), *headers]
    sign = None if plan.sign is None else _signer(plan.sign, root, body.decode())
    if plan.gzip and body:
        body = gzip.compress(body, mtime=0)
        headers = [*headers, ("Content-Encoding", "gzip")]
    if query:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
    check_address(url)
    check_headers(headers)
    _check_signed(signed)
    return HttpRequest(plan.method, url, (*headers, *signed), body, sign)


def _signer(sign: Renders, root: Root, body: str) -> Callable[[int], tuple[tuple[str, str], ...]]:
    """Return what makes the headers of a request that is signed when it is sent; that it can be made is tried now.

    Raises:
        CredentialsError: they cannot be made: says why, never with the secret's text.
    """

    def made(at: int) -> tuple[tuple[str, str], ...]:
        return tuple(sign({**root, "body": body, "sent_at": at}).items())

    try:
        _check_signed(made(0))
    except DataError as error:
        raise CredentialsError("credentials", f"it cannot be signed: {error.message}") from error
    return made


def _to_be_signed(prepared: HttpRequest, plan: SignaturePlan, root: Root) -> HttpRequest:
    """Return a request that is signed as a whole when it is sent; that it can be is tried now.

    Raises:
        CredentialsError: it cannot be: says why, never with the secret's text.
    """
    found = replace(prepared, signature=signature_of(plan, plan.given(root)))
    try:
        _check_signed(_made_when_sent(found, 0))
    except DataError as error:
        raise CredentialsError("credentials", f"it cannot be signed: {error.message}") from error
    return found


def signed_at(prepared: HttpRequest, at: float) -> HttpRequest:
    """Return a request with the headers of the moment at which it is sent, and its signature."""
    if prepared.sign is not None:
        prepared = replace(prepared, headers=(*prepared.headers, *prepared.sign(int(at))))
    return prepared if prepared.signature is None else prepared.signature(prepared, int(at))


def _made_when_sent(prepared: HttpRequest, at: int) -> tuple[tuple[str, str], ...]:
    return signed_at(prepared, at).headers[len(prepared.headers) :]


def _table(rows: Json, place: str, cells: Cells) -> bytes:
    """Write objects as CSV: a line of names, then a line for each; a column that an object does not have stays blank."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{place}: a table is made of a list of objects")
    objects = [row for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in objects for name in row))
    text, empty = io.StringIO(), cells.empty
    writer = csv.writer(text, delimiter=cells.delimiter, lineterminator=cells.line_end)
    writer.writerow(names)
    writer.writerows([_cell(row[name], empty) if name in row else "" for name in names] for row in objects)
    return text.getvalue().encode()


def _cell(value: Json, empty: str) -> str:
    if value is None or value == "":
        return empty
    return value if isinstance(value, str) else as_text(value)


def _lines(rows: Json, place: str) -> bytes:
    """Write the entries of a list as JSON, each in a line."""
    if not isinstance(rows, list):
        raise DataError(f"{place}: lines are made of a list")
    return b"".join(json_body(row) + b"\n" for row in rows)


def size_of(prepared: HttpRequest) -> int:
    """Return what counts against an operation's bytes: the body or, without one, the URL."""
    return len(prepared.body) or len(prepared.url)


def shown(prepared: HttpRequest, *, step: str, deliveries: tuple[int, ...]) -> RenderedRequest:
    """Return a request as a person reads it."""
    packed = ("Content-Encoding", "gzip") in prepared.headers
    body = (gzip.decompress(prepared.body) if packed else prepared.body).decode("utf-8", "replace")
    signed = dict.fromkeys(dict(_made_when_sent(prepared, 0)), SIGNED)
    return RenderedRequest(prepared.method, prepared.url, {**dict(prepared.headers), **signed}, body, step, deliveries)
