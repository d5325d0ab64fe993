"""What sources read and systems hold, named as catalogs know it, so that it is the same there for every teller.

The names are those of OpenLineage (https://openlineage.io/docs/spec/naming/): a namespace that says where, ``postgres://host:5432``, and a
name within it, ``database.schema.table``. What has no address that others know is named by the project. No user, password or query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from syncflow.config.models.routes import SourceSettings
from syncflow.config.models.sources import FileSource
from syncflow.config.models.system_sql import SqlSystem
from syncflow.config.project import Project

_DATABASES = {"postgresql": "postgres", "mariadb": "mysql"}
_PORTS = {"postgres": 5432, "mysql": 3306, "amqp": 5672, "amqps": 5671, "nats": 4222, "redis": 6379, "rediss": 6379}


class Dataset(NamedTuple):
    """One thing that data is read from, or written to."""

    namespace: str
    name: str


def read_from(project: Project, kind: str) -> list[Dataset]:
    """Return what records of a kind are read from; a source that may give any kind is counted for each."""
    found = [
        dataset
        for at, settings in project.routes.model.all_sources.items()
        for dataset in _of(project, at[-1], settings, kind)
    ]
    return list(dict.fromkeys(found))


def written_to(adapter: str, base_url: str | None, object_name: str, sql: SqlSystem | None) -> Dataset:
    """Return an object of a system, or a table of a database."""
    if sql is not None:
        return _table(sql.url, object_name if "." in object_name else _joined(sql.schema_name, object_name))
    return Dataset(f"{adapter}://{_host(urlsplit(base_url or ''))}", object_name)


def _of(project: Project, name: str, source: SourceSettings, kind: str) -> Iterator[Dataset]:
    replicated = source.postgres or source.mysql
    if replicated is not None:
        yield from (_table(replicated.url, table) for table, of in replicated.tables.items() if of == kind)
    elif source.outbox is not None:
        yield _table(source.outbox.url, source.outbox.table)
    elif source.sql is not None:
        yield _table(source.sql.url, name)
    elif source.kafka is not None:
        first = source.kafka.servers.partition(",")[0].strip()
        yield from (Dataset(f"kafka://{first}", topic) for topic in source.kafka.topics)
    elif source.objects is not None:
        place = urlsplit(source.objects.url)
        yield Dataset(f"{place.scheme}://{_host(place)}", f"{place.path.strip('/')}/{source.objects.match}".strip("/"))
    elif source.file is not None:
        yield _file(project, source.file)
    else:
        yield from _of_a_queue(project, name, source)


def _of_a_queue(project: Project, name: str, source: SourceSettings) -> Iterator[Dataset]:
    if source.rabbitmq is not None:
        yield Dataset(_server(source.rabbitmq.url), source.rabbitmq.queue)
    elif source.nats is not None:
        yield Dataset(_server(source.nats.addresses[0]), source.nats.stream)
    elif source.redis is not None:
        yield Dataset(_server(source.redis.url), source.redis.stream)
    elif source.sqs is not None:
        queue = source.sqs.queue
        yield Dataset(
            f"sqs://{_host(urlsplit(queue)) if '://' in queue else source.sqs.region or 'default'}",
            queue.rpartition("/")[2],
        )
    else:
        yield Dataset(
            f"syncflow://{project.path.resolve().parent.name}", name if name == source.kind else f"{name}.{source.kind}"
        )


def _file(project: Project, source: FileSource) -> Dataset:
    return Dataset("file", str(project.path.resolve().parent / source.path))


def _table(url: str, table: str) -> Dataset:
    """Return a table of a database; one in a file lies in the namespace of files."""
    address = urlsplit(url)
    scheme = address.scheme.partition("+")[0]
    if not address.netloc:
        return Dataset("file", f"{address.path.removeprefix('/')}.{table}")
    known = _DATABASES.get(scheme, scheme)
    database = "" if known == "mysql" and "." in table else unquote(address.path.strip("/"))
    return Dataset(_server(url, known), _joined(database, table))


def _server(url: str, scheme: str = "") -> str:
    address = urlsplit(url)
    scheme = scheme or address.scheme
    port = _port(address) or _PORTS.get(scheme)
    return f"{scheme}://{_host(address)}" + (f":{port}" if port else "")


def _host(address: SplitResult) -> str:
    return address.hostname or "localhost"


def _port(address: SplitResult) -> int | None:
    try:
        return address.port
    except ValueError:
        return None


def _joined(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)
