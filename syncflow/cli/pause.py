"""``syncflow pause`` and ``syncflow resume``: hold back all that would be sent to a system, or by a route, and send it later."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from syncflow.cli import completion
from syncflow.cli.choosing import RouteFilter
from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, counted, say, say_json
from syncflow.cli.status import RoutesOption, journal_of

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.runtime.desk.operator_actions import Noted
    from syncflow.runtime.pauses import What

SystemArgument = Annotated[
    str,
    typer.Argument(metavar="SYSTEM", help="Name of a system. Or give --route.", autocompletion=completion.systems),
]


def pause(
    system: SystemArgument = "",
    route: RouteFilter = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: shown to others, kept in the journal.")] = "",
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Send nothing to a system, or by a route, until it is resumed.

    Events are still read and journaled. A run that is going on obeys within two seconds; requests already under way are finished.
    A pause lasts over restarts.
    """
    from syncflow.runtime.desk import pausing

    meant = _meant(system, route)
    place = journal_of(routes, profile)
    changed = pausing.pause(place, meant.what, meant.name, noted=meant.noted, why=reason)
    _tell(place, meant, output, changed=changed, paused=True)


def resume(
    system: SystemArgument = "",
    route: RouteFilter = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that is paused.")] = False,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Send what was held back by a pause, the oldest first.

    A run that is going on begins within two seconds; otherwise the next run does.
    """
    from syncflow.runtime.desk import pausing

    place = journal_of(routes, profile)
    if everything:
        if system or route:
            raise typer.BadParameter("--all goes without a name")
        names = [_Meant(row["what"], row["name"]) for row in pausing.pauses(place)]
    else:
        names = [_meant(system, route)]
    if not names and output is Output.TEXT:
        say("nothing is paused")
    for each in names:
        changed = pausing.resume(place, each.what, each.name, noted=each.noted)
        _tell(place, each, output, changed=changed, paused=False)


class _Meant(NamedTuple):
    what: What
    name: str

    @property
    def noted(self) -> Noted:
        from syncflow.runtime.desk.operator_actions import Noted

        return Noted(_who(), f"{self.what} {self.name}")


def _meant(system: str, route: str) -> _Meant:
    if bool(system) == bool(route):
        raise typer.BadParameter("give the name of a system, or --route NAME")
    return _Meant("system", system) if system else _Meant("route", route)


def _who() -> str:
    """Return the name of who asks, as the machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "somebody"


def _tell(place: Place, meant: _Meant, output: Output, *, changed: bool, paused: bool) -> None:
    from syncflow.runtime.desk.pausing import open_of

    waiting = open_of(place, meant.what, meant.name)
    if output is Output.JSON:
        say_json(
            {"what": meant.what, "name": meant.name, "paused": paused, "changed": changed, "open_deliveries": waiting}
        )
        return
    deliveries = counted(waiting, "delivery", "deliveries")
    if not changed:
        say(f"{meant.what} {meant.name} {'is paused already' if paused else 'was not paused'}; {deliveries} open")
    elif paused:
        call = meant.name if meant.what == "system" else f"--route {meant.name}"
        say(f"{meant.what} {meant.name} is paused; {deliveries} open. `syncflow resume {call}` goes on")
    else:
        say(f"{meant.what} {meant.name} is resumed; {deliveries} open, sent by a run that is going on or the next one")
