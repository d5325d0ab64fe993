"""The pages of a long answer: whether there is a next one, and what asks for it. Pure."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode, urljoin, urlsplit

from syncflow.adapters.bodies import decode
from syncflow.adapters.http import HttpRequest, HttpResponse
from syncflow.adapters.sendable import check_address
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import PagesPlan, Root, Value
from syncflow.errors import DataError
from syncflow.events import Json


def next_of(plan: PagesPlan, answer: HttpResponse, *, page: int) -> Json:
    """Return what leads from an answer to its next page: a link, a cursor, an offset; None where it is the last."""
    where: Value | None = plan.link or plan.next
    if where is None or not 200 <= answer.status < 300 or answer.broken:
        return None
    root: Root = {"body": decode(answer)[0], "headers": dict(answer.headers), "status": answer.status, "page": page}
    found = where(root)
    return None if found in ("", False) else found


def linked(prepared: HttpRequest, link: Json, *, by_get: bool = False) -> HttpRequest:
    """Return the request for a page by its link, which carries the sign-in and so must stay on the same host.

    Raises:
        DataError: it leads elsewhere, or cannot be put on the wire.
    """
    try:
        url = urljoin(prepared.url, as_text(link))
        elsewhere = urlsplit(url)[:2] != urlsplit(prepared.url)[:2]
    except ValueError:
        raise DataError("its link is no address") from None
    if elsewhere:
        raise DataError("the next page is on another host")
    check_address(url)
    if by_get and prepared.method != "GET":
        headers = tuple(
            (name, value) for name, value in prepared.headers if name not in {"Content-Type", "Content-Encoding"}
        )
        return replace(prepared, url=url, method="GET", headers=headers, body=b"")
    return replace(prepared, url=url)


def continued(prepared: HttpRequest, plan: PagesPlan, root: Root) -> HttpRequest:
    """Return a request with what the later pages' query has besides."""
    query = urlencode(plan.query(root))
    joint = "&" if "?" in prepared.url else "?"
    if not query:
        return prepared
    url = f"{prepared.url}{joint}{query}"
    check_address(url)
    return replace(prepared, url=url)
