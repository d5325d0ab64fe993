"""``syncflow schema pull``: write down what an object of a system is, for ``validate`` to check mappings by without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow.config.models.schema import ObjectField


def pull(
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="System, as named in routes.yaml.", autocompletion=completion.systems),
    ],
    object_name: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Object, as the system names it.", autocompletion=completion.objects)
    ],
    routes: Annotated[
        Path, typer.Option("--routes", metavar="FILE", help="The project's routes file.")
    ] = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Read the fields of an object from a system into objects/.

    `validate` then checks mappings against these fields.
    """
    import asyncio

    from syncflow.config.named_files import lock_path
    from syncflow.config.object_text import object_text
    from syncflow.config.project import load_systems
    from syncflow.errors import ProjectError
    from syncflow.runtime.drift import pull_fields

    project = load_systems(routes, profile=profile)
    fields = asyncio.run(pull_fields(project, system, object_name))
    adapter = project.routes.model.systems[system].adapter
    path = project.path.parent / lock_path(adapter, object_name)
    before = _known(path)
    comment = (
        f"What {system} said of {object_name}. Written by `syncflow schema pull`; your own changes belong beside it."
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(object_text(object_name, fields, comment=comment), "utf-8")
    except OSError as error:
        raise ProjectError(f"cannot write {path}: {error.strerror}") from error
    say(f"wrote {lock_path(adapter, object_name)}: {len(fields)} fields{_news(before, fields)}")


def _known(path: Path) -> Mapping[str, ObjectField] | None:
    from syncflow.config.files import Files
    from syncflow.config.models.schema import ObjectFile

    document = Files({}, offline=True).document(ObjectFile, path) if path.is_file() else None
    return None if document is None else document.model.fields


def _news(before: Mapping[str, ObjectField] | None, now: Mapping[str, ObjectField]) -> str:
    if before is None:
        return ""
    counts = {
        "new": len(now.keys() - before.keys()),
        "gone": len(before.keys() - now.keys()),
        "changed": sum(before[name] != now[name] for name in now.keys() & before.keys()),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f" ({told or 'nothing has changed'})"
