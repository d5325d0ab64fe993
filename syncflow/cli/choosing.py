"""How commands are told which dead letters and which times are meant."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli import completion

if TYPE_CHECKING:
    from syncflow.runtime.desk.letters import Letters

_AGO = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)\Z")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def read_time(text: str, *, now: float) -> float:
    """Read ``2h`` as that long before ``now``, or an ISO time as it is, in UTC where it has no zone; return wall seconds."""
    ago = _AGO.match(text.strip())
    if ago:
        return now - float(ago[1]) * _SECONDS[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time; expected a time such as 2026-07-15, 2026-07-15T10:30Z, or an age such as 2h or 7d"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _read_now(text: str) -> float:
    return read_time(text, now=time.time())


Ids = Annotated[
    list[int] | None, typer.Argument(metavar="ID", help="Ids of dead letters. Default: all that match the options.")
]
RouteFilter = Annotated[
    str, typer.Option("--route", metavar="NAME", help="Only this route.", autocompletion=completion.routes)
]
SystemFilter = Annotated[
    str, typer.Option("--system", metavar="NAME", help="Only this system.", autocompletion=completion.systems)
]
StageFilter = Annotated[
    str,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="Only this stage: source, schema, route, mapping or delivery.",
        autocompletion=completion.stages,
    ),
]
CodeFilter = Annotated[
    str, typer.Option("--code", metavar="CODE", help="Only with this code.", autocompletion=completion.letter_codes)
]
RecordFilter = Annotated[str, typer.Option("--record", metavar="ID", help="Only the record with this id.")]
SinceFilter = Annotated[
    float | None,
    typer.Option(
        "--since", metavar="TIME", parser=_read_now, help="Only from this time on: 2026-07-15, or 2h (two hours ago)."
    ),
]
UntilFilter = Annotated[
    float | None, typer.Option("--until", metavar="TIME", parser=_read_now, help="Only before this time.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Select all.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
MaskOption = Annotated[bool, typer.Option("--mask", help="Hide the values of records, to share the output.")]

STAGES = ("source", "schema", "route", "mapping", "delivery")


def chosen(
    ids: list[int] | None = None,
    *,
    route: str = "",
    system: str = "",
    stage: str = "",
    code: str = "",
    record: str = "",
    since: float | None = None,
    until: float | None = None,
) -> Letters:
    """Return which dead letters are meant."""
    from syncflow.runtime.desk.letters import Letters

    if stage and stage not in STAGES:
        raise typer.BadParameter(f"--stage is {stage!r}; expected one of {', '.join(STAGES)}")
    return Letters(tuple(ids or ()), route, system, stage, code, record, since, until)


def chosen_at_all(letters: Letters, *, everything: bool) -> bool:
    """Return whether a choice was made: what changes something wants to be told what, if only by ``--all``."""
    from syncflow.runtime.desk.letters import Letters

    return everything or letters != Letters()
