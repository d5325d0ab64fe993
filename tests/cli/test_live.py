"""What is seen of a run while it goes on: the same numbers as lines, as a table and as metrics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from syncflow.cli.alongside import watching
from syncflow.cli.live import Speeds, lines, standings, table
from syncflow.compiler.requests import Window
from syncflow.runtime.metrics import MetricsServer
from syncflow.runtime.observe import Tally

SYSTEMS = {"contacts/crm": "crm", "contacts/mail": "mail"}


def tally() -> Tally:
    found = Tally(read=1200, ignored=1, open=30)
    crm = found.system("crm")
    crm.requests, crm.in_flight, crm.waiting, crm.retrying = 15, 3, 20, 7
    crm.windows = (Window(5, 1.0), Window(100_000, 86_400.0), Window(4, 10.0, "search"))
    found.system("mail").stopped = "BAD_FIELD (mail.yaml:12)"
    found.route("contacts/crm").delivered = 1100
    found.route("contacts/crm").dead = 2
    return found


def looked_twice(speeds: Speeds) -> Tally:
    """Fifteen requests in three seconds."""
    before = tally()
    before.system("crm").requests = 0
    standings(before, SYSTEMS, speeds, now=100.0)
    return tally()


def test_lines_tell_each_systems_speed_against_its_limit_and_what_waits() -> None:
    speeds = Speeds()
    shown = standings(looked_twice(speeds), SYSTEMS, speeds, now=103.0)
    assert list(lines(shown)) == [
        "read 1,200  ignored 1  delivered 1,100  superseded 0  open 30  dead letters 2",
        "  crm: 5.0 requests/s of 5/s, 100,000/day, 4/10 s search  3 in flight  20 waiting  7 retrying  2 dead",
        "  mail: 0.0 requests/s of none  0 in flight  0 waiting  0 retrying  0 dead  stopped: BAD_FIELD (mail.yaml:12)",
    ]


def test_a_table_tells_the_same() -> None:
    speeds = Speeds()
    shown = standings(looked_twice(speeds), SYSTEMS, speeds, now=103.0)
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table(shown))
    rows = [line.split() for line in captured.get().splitlines()]
    assert ["SYSTEM", "REQUESTS/S", "LIMIT", "IN", "FLIGHT", "WAITING", "RETRYING", "DELIVERED", "DEAD"] in rows
    crm = next(row for row in rows if row[:1] == ["crm"])
    assert (crm[1], crm[-5:]) == ("5.0", ["3", "20", "7", "1,100", "2"])


def test_a_count_that_began_anew_is_no_negative_speed() -> None:
    speeds = Speeds()
    assert speeds.look("crm", 100, 0.0) is None
    assert speeds.look("crm", 3, 2.0) == 0.0


def asked(request: str, *, ready: bool = True) -> str:
    """Return the whole answer of a server of these numbers."""

    async def page() -> str:
        server = MetricsServer(tally=tally, ready=lambda: ready)
        await server.open("127.0.0.1", 0)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"{request} HTTP/1.1\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            return answer
        finally:
            await server.close()

    return asyncio.run(page())


def test_a_run_is_ready_or_not_and_alive_all_the_same() -> None:
    assert asked("GET /readyz").startswith("HTTP/1.1 200 OK\r\n")
    assert asked("GET /readyz", ready=False).startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert asked("GET /healthz", ready=False).startswith("HTTP/1.1 200 OK\r\n")


def test_head_is_told_as_much_as_get_without_the_body() -> None:
    whole = asked("GET /healthz")
    assert asked("HEAD /healthz") == whole.removesuffix("alive\n")


def test_metrics_have_the_same_numbers() -> None:
    shown = asked("GET /metrics")
    for line in (
        'syncflow_system_requests_total{system="crm"} 15.0',
        'syncflow_system_limit_requests{only="",seconds="1",system="crm"} 5.0',
        'syncflow_system_limit_requests{only="search",seconds="10",system="crm"} 4.0',
        'syncflow_system_in_flight{system="crm"} 3.0',
        'syncflow_system_waiting{system="crm"} 20.0',
        'syncflow_system_retrying{system="crm"} 7.0',
        'syncflow_deliveries_total{route="contacts/crm",state="dead"} 2.0',
        'syncflow_system_stopped{system="mail"} 1.0',
    ):
        assert line in shown, line


def test_a_folder_that_cannot_be_watched_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(watching(frozenset({tmp_path / "nowhere" / "routes.yaml"}), asyncio.Event()))
    assert "changed files are not noticed (--watch)" in capsys.readouterr().err
