"""A bucket, or a folder, through obstore: a listing in pages, and ranges of one version of an object."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError, PreconditionError
from obstore.store import LocalStore, from_url

from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.objects.errors import is_beyond_end, reworded

PAGE = 1000

_CLIENT = {"timeout": "60s", "connect_timeout": "10s"}
_RETRY = {
    "max_retries": 4,
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
    "retry_timeout": timedelta(seconds=20),
}
"""Of one request; a failure after that is a lost connection."""

_NAMES: Mapping[str, str] = {
    "access_key": "access_key_id",
    "secret_key": "secret_access_key",
    "region": "region",
    "endpoint": "endpoint",
}
"""Our settings → those of obstore."""

_OF_CLIENT = frozenset({
    "allow_http", "allow_invalid_certificates", "connect_timeout", "default_content_type", "http1_only", "http2_only",
    "http2_keep_alive_interval", "http2_keep_alive_timeout", "http2_keep_alive_while_idle", "http2_max_frame_size",
    "pool_idle_timeout", "pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url",
    "randomize_addresses", "timeout", "user_agent",
})  # fmt: skip
"""Options that obstore takes apart from those of a store; among those of a store they make it panic."""


class Listed(NamedTuple):
    """One version of an object. ``name`` is relative to the address."""

    name: str
    size: int
    modified: float
    etag: str | None = None

    @property
    def version(self) -> str:
        """Two versions of an object differ in this."""
        return f"{self.etag or self.modified!r} {self.size}"

    def is_same(self, other: Listed) -> bool:
        """Whether both are one version: some servers write the quotes of a tag in one answer, and leave them out in another."""
        tags = [(each.etag or "").strip('"') or repr(each.modified) for each in (self, other)]
        return tags[0] == tags[1] and self.size == other.size

    @property
    def time(self) -> str:
        return datetime.fromtimestamp(self.modified, UTC).isoformat()


class ChangedError(Exception):
    """The object is not that version any more."""


class GoneError(Exception):
    """The object is not there any more."""


class Store(Protocol):
    """Where objects are."""

    place: str
    """The address, without credentials and without a slash at its end."""

    def key(self, name: str) -> str:
        """Return the whole name of an object as the store knows it."""
        ...

    def pages(self) -> AsyncGenerator[list[Listed], None]:
        """Yield all objects, some at a time.

        Raises:
            SyncflowError: they cannot be listed.
        """
        ...

    async def fetch(self, listed: Listed, start: int, end: int) -> bytes:
        """Return the bytes of a range that is within the object.

        Raises:
            ChangedError, GoneError: that version is not there any more.
            SyncflowError: it cannot be read.
        """
        ...

    async def look(self, name: str) -> Listed | None:
        """Return an object as it is now; None where it is not there."""
        ...


async def first_page(store: Store) -> list[Listed]:
    """Return the first objects of a listing; raises like ``pages``."""
    async with aclosing(store.pages()) as pages:
        return await anext(pages, [])


class Bucket:
    """A store that obstore speaks to."""

    def __init__(self, settings: ObjectsSource, *, base: Path) -> None:
        """Raises ProjectError where the settings name none."""
        scheme, _, rest = settings.url.partition("://")
        if not rest or scheme == "":
            raise ProjectError(
                "source.objects.url: this is no address of objects",
                hint="write s3://bucket/exports/, gs://, az:// or file:///",
            )
        if scheme == "file":
            self._store, self._prefix = _folder(base / rest), ""
            self.place = (
                f"file://{os.path.normpath(rest)}"  # as it is written: the same from whichever folder a run is started
            )
            return
        self.place = f"{scheme}://{_without_credentials(rest)}".rstrip("/")
        self._store = self._remote(settings)
        prefix = str(getattr(self._store, "prefix", None) or "").strip("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def _remote(self, settings: ObjectsSource) -> Any:
        names = dict(_NAMES) | ({"endpoint": "base_url"} if settings.url.startswith("gs://") else {})
        given = {ours: getattr(settings, ours) for ours in names}
        of_store = {name: value for name, value in settings.options.items() if name not in _OF_CLIENT}
        of_client = {name: value for name, value in settings.options.items() if name in _OF_CLIENT}
        config = {names[ours]: value for ours, value in given.items() if value is not None} | of_store
        client = (
            _CLIENT | ({"allow_http": "true"} if (settings.endpoint or "").startswith("http://") else {}) | of_client
        )
        with _reworded(self.place):
            return from_url(settings.url, config=config, client_options=client, retry_config=_RETRY)  # type: ignore[call-overload]  # one of three

    def key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    async def pages(self) -> AsyncGenerator[list[Listed], None]:
        with _reworded(self.place):
            async for page in obstore.list(self._store, chunk_size=PAGE):
                yield [_listed(entry) for entry in page]

    async def fetch(self, listed: Listed, start: int, end: int) -> bytes:
        options: Any = {"range": (start, end)} | ({"if_match": listed.etag} if listed.etag else {})
        try:
            with _reworded(f"{self.place}: {listed.name}", but=(PreconditionError, FileNotFoundError, GenericError)):
                found = await obstore.get_async(self._store, listed.name, options=options)
                content = bytes(await found.bytes_async())
        except PreconditionError:
            raise ChangedError from None
        except FileNotFoundError:
            raise GoneError from None
        except GenericError as error:
            if is_beyond_end(error):
                raise ChangedError from None
            raise reworded(error, place=f"{self.place}: {listed.name}") from None
        if not _listed({**found.meta, "path": listed.name}).is_same(listed):
            raise ChangedError  # a store that does not know If-Match
        if len(content) != end - start:
            raise UnavailableError(f"{self.place}: {listed.name}: the answer ended early")
        return content

    async def look(self, name: str) -> Listed | None:
        try:
            with _reworded(f"{self.place}: {name}", but=(FileNotFoundError,)):
                return _listed({**await obstore.head_async(self._store, name), "path": name})
        except FileNotFoundError:
            return None


@contextmanager
def _reworded(place: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise errors of the library in our own words, its panics too, which are no ``Exception``; those in ``but`` as they are."""
    try:
        yield
    except but:
        raise
    except (BaseError, OSError, ValueError, TypeError) as error:
        raise reworded(error, place=place) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise reworded(error, place=place) from None


def _folder(path: Path) -> LocalStore:
    with _reworded(f"file://{path}"):
        if not path.is_dir():
            hint = "the folder is relative to the file that names it, or absolute: file:///srv/exports/"
            raise ProjectError(f"source.objects.url: there is no folder {path}", hint=hint)
        return LocalStore(prefix=str(path))


def _listed(entry: Mapping[str, Any]) -> Listed:
    return Listed(entry["path"], entry["size"], entry["last_modified"].timestamp(), entry["e_tag"])


def _without_credentials(rest: str) -> str:
    """Return the host and path of an address: no user, no query."""
    split = urlsplit(f"//{rest}")
    return f"{split.netloc.rpartition('@')[2]}{split.path}"
