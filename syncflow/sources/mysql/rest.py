"""How far the log holds nothing of ours behind the journal's position, in a file beside the journal.

Positions move only with events. While the tables are quiet the log of a busy server goes on, and its older files are removed: without this
a run would ask for them. The file counts only with the very position that it was written for; without it nothing is lost.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from syncflow.private_files import open_private
from syncflow.sources.mysql.places import Number, Place

EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rest:
    after: Number | None
    """The journal's position; None: it has none yet."""
    place: Place


def rest_path(beside: Path | None) -> Path | None:
    return None if beside is None else beside.with_name(f"{beside.name}.binlog.json")


def read_rest(path: Path | None) -> Rest | None:
    """Return what is in the file; None where it is missing or cannot be read."""
    try:
        read = orjson.loads(path.read_bytes()) if path is not None else None
        if read is None:
            return None
        after, (file, position, gtids, has_gtids) = read["after"], read["place"]
        return Rest((after[0], after[1]) if after else None, Place(file, position, gtids, has_gtids))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
        return None


def write_rest(path: Path, rest: Rest) -> None:
    """Write the file as a whole or not at all; a disk that is full costs nothing but this."""
    new = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(open_private(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(orjson.dumps({"after": rest.after, "place": list(rest.place)}))
        new.replace(path)
    except OSError:
        return
