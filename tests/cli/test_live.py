"""What is seen of a run while it goes on: the same numbers as lines, as a table and as metrics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from syncflow.cli.alongside import watching
from syncflow.cli.live_table import live_lines
from syncflow.cli.standings import Speeds, lines, standings
from syncflow.compiler.wire.system import Window
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
    assert list(live_lines(shown, width=80)) == [
        "read 1,200  ignored 1  delivered 1,100  superseded 0  open 30  dead letters 2",
        "",
        "SYSTEM  REQ/S   LIMIT  IN FLIGHT  WAITING  RETRYING  DELIVERED  DEAD",
        "crm       5.0  5/s +2          3       20         7      1,100     2",
        "mail      0.0    none          0        0         0          0     0",
        "",
        "mail: stopped: BAD_FIELD (mail.yaml:12)",
    ]


CROWD = ("salesforce_production_europe", "salesforce_production_america", *(f"system_{number}" for number in range(10)))


def crowd() -> tuple[Tally, dict[str, str]]:
    """Twelve systems with names and counts as long as they become."""
    found = Tally(read=1_234_567_890, ignored=1234, open=30_000)
    for number, name in enumerate(CROWD):
        system = found.system(name)
        system.requests, system.in_flight, system.waiting, system.retrying = 99 * number, 8, 1_000_000, 7000
        system.windows = (Window(100, 10.0), Window(100_000, 86_400.0))
        found.route(f"contacts/{name}").delivered = 123_456_789
    found.system("system_3").stopped = (
        "BAD_FIELD (mappings/contacts_to_system_3.yaml:12): " + "the field is not there " * 9
    )
    found.system("system_4").wait_seconds, found.system("system_4").wait_by = 3700.0, "\x1b[2J the limit 100,000/day"
    return found, {f"contacts/{name}": name for name in CROWD}


def test_open_jobs_are_told_where_there_are_any() -> None:
    found = tally()
    found.system("crm").jobs = 2
    shown = standings(found, SYSTEMS, Speeds(), now=100.0)
    assert [line[-25:] for line in lines(shown)][1] == "ying  2 dead  2 jobs open"
    table = list(live_lines(shown, width=80))
    assert table[2].split()[-3:] == ["JOBS", "DELIVERED", "DEAD"]
    assert [line.split()[-3] for line in table[3:5]] == ["2", "0"]


def test_a_crowd_of_systems_fits_a_terminal_of_80_columns_and_24_lines() -> None:
    found, systems = crowd()
    shown = list(live_lines(standings(found, systems, Speeds(), now=1.0), width=80))
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80
    assert [*shown[:5], *shown[-5:]] == [
        "read 1,234,567,890  ignored 1,234  delivered 1,481,481,468  superseded 0",
        "open 30,000  dead letters 0",
        "",
        "SYSTEM                REQ/S        LIMIT    WAITING  RETRYING    DELIVERED  DEAD",
        "salesforce…n_america         100/10 s +1  1,000,000     7,000  123,456,789     0",
        "system_9                     100/10 s +1  1,000,000     7,000  123,456,789     0",
        "",
        "system_3: stopped: BAD_FIELD (mappings/contacts_to_system_3.yaml:12): the field",
        "  is not there the field is not there the field is not there the field is not …",
        "system_4: waits 62 m: \\x1b[2J the limit 100,000/day",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 132, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal_and_no_number_is_cut(width: int) -> None:
    found, systems = crowd()
    shown = list(live_lines(standings(found, systems, Speeds(), now=1.0), width=width))
    assert max(map(len, shown)) <= max(width, 25)
    assert sum(line.split()[-2:-1] == ["123,456,789"] for line in shown) == 12


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
