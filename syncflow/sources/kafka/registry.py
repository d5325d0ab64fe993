"""A schema registry: schemas by their numbers, asked for once.

A number that the registry does not know is asked for again after a while. What it does not answer is an ``UnavailableError``: the source
is opened again, and ``open`` asks for the same number, so that it is open only when it can go on.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from syncflow.config.models.source_kafka import KafkaRegistry
from syncflow.errors import ProjectError, UnavailableError

_TIMEOUT_SECONDS = 10.0
_UNKNOWN_SECONDS = 30.0
_MOST_UNKNOWN = 1000
_NO_SCHEMA, _NO_SUBJECT, _NO_VERSION = 40403, 40401, 40402


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as it is registered, with those that it refers to before it, each after those that it needs itself."""

    kind: str
    text: str
    needed: tuple[str, ...] = ()


class Registry:
    """Asked by one thread."""

    def __init__(
        self,
        settings: KafkaRegistry,
        *,
        base: Path,
        monotonic: Callable[[], float],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._address = settings.registry.rstrip("/")
        auth = httpx.BasicAuth(settings.user, settings.password) if settings.user else None
        self._client = httpx.Client(
            auth=auth,
            verify=_trusted(base / settings.ca if settings.ca else None),
            timeout=_TIMEOUT_SECONDS,
            transport=transport,
        )
        self._monotonic = monotonic
        self._schemas: dict[int, Schema] = {}
        self._unknown: dict[int, float] = {}
        """Numbers that it did not know, and when it may be asked again."""
        self._wanted: int | None = None
        """The number at which it did not answer."""

    def open(self) -> None:
        """See whether it answers, with what could not be read before.

        Raises:
            ProjectError: it refuses us.
            UnavailableError: it does not answer.
        """
        if self._wanted is not None:
            self.schema(self._wanted)
        else:
            self._get("/schemas/types")

    def schema(self, number: int) -> Schema | None:
        """Return the schema of a number, or None where the registry knows none."""
        if number in self._schemas:
            return self._schemas[number]
        if self._monotonic() < self._unknown.get(number, -float("inf")):
            return None
        self._wanted = number
        found = self._get(f"/schemas/ids/{number}")
        schema = None if found is None else self._with_references(found)
        self._wanted = None
        if schema is None:
            if len(self._unknown) >= _MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[number] = self._monotonic() + _UNKNOWN_SECONDS
            return None
        self._schemas[number] = schema
        return schema

    def _with_references(self, found: dict[str, Any]) -> Schema:
        needed: dict[tuple[str, int], str] = {}
        self._collect(found, needed, ())
        return Schema(str(found.get("schemaType") or "AVRO"), _text_of(found), tuple(needed.values()))

    def _collect(
        self, found: dict[str, Any], needed: dict[tuple[str, int], str], above: tuple[tuple[str, int], ...]
    ) -> None:
        for reference in found.get("references") or ():
            key = (str(reference.get("subject")), int(reference.get("version") or -1))
            if key in needed or key in above:
                continue
            answer = self._get(f"/subjects/{quote(key[0], safe='')}/versions/{key[1]}")
            if answer is None:
                raise UnavailableError(
                    f"the schema registry does not have a schema that another one refers to ({key[0]})"
                )
            self._collect(answer, needed, (*above, key))
            needed[key] = _text_of(answer)

    def _get(self, path: str) -> dict[str, Any] | None:
        """Return the answer; None where there is no such thing."""
        try:
            response = self._client.get(self._address + path)
        except httpx.HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                words = "the certificate of the schema registry is of no authority that is known here"
                raise ProjectError(words, hint="name the authority: `ca` beside `registry`") from None
            raise UnavailableError("the schema registry cannot be reached", hint="check `registry`") from None
        status = response.status_code
        if status in {401, 403}:
            words = (
                "the schema registry refuses the user or the password"
                if status == 401
                else ("the user may not read schemas of the registry")
            )
            raise ProjectError(words, hint="check `user` and `password` beside `registry`, and what the user may read")
        if status == 429 or status >= 500:
            raise UnavailableError(f"the schema registry answers with {status}")
        body = _body(response)
        if status == 404 and body.get("error_code") in {_NO_SCHEMA, _NO_SUBJECT, _NO_VERSION}:
            return None
        if status != 200 and path != "/schemas/types":
            words = f"there is no schema registry at the address in `registry` (it answers with {status})"
            raise ProjectError(words, hint="check `registry`: the address, and the path in it")
        return body

    def close(self) -> None:
        self._client.close()


def _trusted(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ValueError):
        raise ProjectError("the file in `ca` of the registry holds no authorities", hint="it must be PEM") from None


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text_of(found: dict[str, Any]) -> str:
    text = found.get("schema")
    if not isinstance(text, str):
        raise UnavailableError("the schema registry answers with something else than a schema")
    return text
