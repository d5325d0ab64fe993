"""``syncflow console``: a web page of the project, on its journal alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, RoutesArgument, remark

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.console.asking import Settings
    from syncflow.runtime.observe import Tally

TOKEN_VARIABLE = "SYNCFLOW_CONSOLE_TOKEN"  # noqa: S105  # its name, not a token
DEFAULT_ADDRESS = "127.0.0.1:9090"

AllowOption = Annotated[
    str,
    typer.Option(
        "--allow",
        metavar="ACTIONS",
        help="What the console may do, such as redrive,drop,replay,pause,plan-online. Default: none.",
    ),
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host", metavar="NAME", help="Further host name that the console may be asked by, as behind a proxy."
    ),
]
UserHeaderOption = Annotated[
    str,
    typer.Option(
        "--user-header",
        metavar="HEADER",
        help="Header by which a proxy in front says who asks; noted with what they do.",
    ),
]


def console(
    routes: RoutesArgument = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    listen: Annotated[str, typer.Option(metavar="[HOST:]PORT", help="Address to listen on.")] = DEFAULT_ADDRESS,
    allow: AllowOption = "",
    host: HostOption = None,
    user_header: UserHeaderOption = "",
) -> None:
    """Serve a web page of the project and its journal.

    Shows what flows, what waits and why, and what was given up, also during a run.
    Asks for a token: the one in SYNCFLOW_CONSOLE_TOKEN, or one that is printed.
    """
    import asyncio

    from syncflow.cli.status import journal_of

    place = journal_of(routes, profile)
    asked = Asked(
        listen=address(listen, "--listen"),
        allow=allowed(allow),
        hosts=tuple(host or ()),
        user_header=user_header,
        token=token_for(routes),
    )
    asyncio.run(_serve(place, asked, title=title_of(routes), project=(routes, profile)))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a console."""

    listen: tuple[str, int]
    allow: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    user_header: str = ""
    token: str = ""
    """The one that was set; empty: one is made."""


async def _serve(place: Place, asked: Asked, *, title: str, project: tuple[Path, str | None]) -> None:
    import asyncio
    import signal

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serving_console(place, asked, title=title, project=project):
        remark("Ctrl-C stops it.")
        await ended.wait()


@asynccontextmanager
async def serving_console(
    place: Place,
    asked: Asked | None,
    *,
    title: str,
    project: tuple[Path, str | None],
    tally: Callable[[], Tally] | None = None,
) -> AsyncIterator[None]:
    """Serve a console while the block lasts; nothing without an address. ``tally`` are the counts of the run that it is part of.

    ``project``: the routes file and the profile.
    """
    if asked is None:
        yield
        return
    from syncflow.console.asking import Asking
    from syncflow.console.desk import JournalDesk
    from syncflow.console.plans import Plans
    from syncflow.console.playground import Playground
    from syncflow.console.serving import serving

    settings, token = _settings(asked, title=title, in_run=tally is not None)
    host, port = asked.listen
    asking = Asking(JournalDesk(place), settings, tally=tally, playground=Playground(*project), plans=Plans(*project))
    async with serving(asking, host, port) as chosen:
        shown = f"[{host}]" if ":" in host else host
        remark(f"console on http://{shown}:{chosen}/")
        if token:
            remark(f"its token, made for this once ({TOKEN_VARIABLE} sets another): {token}")
        yield


def _settings(asked: Asked, *, title: str, in_run: bool) -> tuple[Settings, str]:
    """Return the settings, and the token where one was made."""
    from syncflow.console.access import SHORTEST_TOKEN, Access, new_token
    from syncflow.console.asking import Settings

    given = asked.token
    if given and len(given) < SHORTEST_TOKEN:
        raise typer.BadParameter(f"{TOKEN_VARIABLE} is too short; expected {SHORTEST_TOKEN} characters or more")
    made = "" if given else new_token()
    listens_on = asked.listen[0]
    own = {listens_on} if listens_on not in {"", "0.0.0.0", "::"} else set()  # noqa: S104  # every interface has no name
    settings = Settings(
        Access(given or made),
        title=title,
        allow=asked.allow,
        hosts=frozenset({*asked.hosts, *own}),
        user_header=asked.user_header,
        in_run=in_run,
    )
    return settings, made


def token_for(routes: Path) -> str:
    """Return the token that is set in the environment, or in the project's ``.env``; empty where none is."""
    from syncflow.config.env_file import environment_for

    return environment_for(routes.absolute().parent).get(TOKEN_VARIABLE, "").strip()


def title_of(routes: Path) -> str:
    """Return what a project is called on its page: the name of its folder."""
    return routes.absolute().parent.name or "project"


def address(text: str, option: str) -> tuple[str, int]:
    """Return the host and the port of ``[HOST:]PORT``."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise typer.BadParameter(
            f"{option} is {text!r}; expected a port such as 9090, or a host and a port: 127.0.0.1:9090"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def allowed(text: str) -> frozenset[str]:
    """Return the actions that are named in ``redrive,drop``."""
    from syncflow.console.asking import ALLOWABLE

    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(names - set(ALLOWABLE))
    if unknown:
        raise typer.BadParameter(f"--allow is {text!r}; expected some of {', '.join(ALLOWABLE)}")
    return names
