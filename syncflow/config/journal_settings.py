"""What can be told of the settings of a journal that a database keeps, before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.databases import is_postgres
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.installed import is_installed
from syncflow.config.models.routes import RoutesFile

_AT = "journal"


def check_journal(
    routes: Document[RoutesFile], *, is_installed: Callable[[str], bool] = is_installed
) -> Iterator[Diagnostic]:
    """Yield a file beside an address, settings of an address without one, an address of something else, a missing package."""
    settings = routes.model.journal
    if settings.url is None:
        for name, key in (("schema_name", "schema"), ("project", "project")):
            if name in settings.model_fields_set:
                message, hint = f"`{key}` has no meaning without `url`", "write `url`, or remove it"
                yield routes.report("SF205", message, _AT, key, at_key=True, hint=hint)
        return
    if "path" in settings.model_fields_set:
        message, hint = "a journal has a `path` or a `url`, and not both", "remove one of them"
        yield routes.report("SF205", message, _AT, "path", at_key=True, hint=hint)
    if not is_installed("psycopg"):
        message = "a journal in PostgreSQL needs a package that is not installed"
        yield routes.report("SF222", message, _AT, "url", at_key=True, hint="pip install 'syncflow[postgres]'")
    if not routes.is_unset(_AT, "url") and not is_postgres(settings.url):
        expected = "an address such as postgresql://user:password@host:5432/name"
        yield routes.report("SF205", "`url` is not written like this", _AT, "url", expected=expected)
