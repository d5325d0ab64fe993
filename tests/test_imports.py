"""What is not used is not loaded: starting must not wait for libraries that only some commands need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import syncflow
from tests.compiler.projects import write_project

NETWORK = ["aiohttp", "fastapi", "httpx", "starlette", "uvicorn", "watchfiles"]
LANGUAGES = ["jinja2", "jmespath", "orjson", "phonenumbers", "pydantic", "re2", "yaml"]
HEAVY = [*NETWORK, *LANGUAGES, "faker", "prometheus_client", "sqlite3", "tenacity"]

REPORT = f"print(*[name for name in {HEAVY!r} if name in sys.modules], sep=',', file=sys.stderr)"
COMMAND = """
import atexit, sys
atexit.register(lambda: {report})
sys.argv = {arguments!r}
from syncflow.cli import main
main()
"""

STARTS = {
    "import syncflow": f"import sys; import syncflow; {REPORT}",
    "syncflow --help": COMMAND.format(report=REPORT, arguments=["syncflow", "--help"]),
    "syncflow --version": COMMAND.format(report=REPORT, arguments=["syncflow", "--version"]),
}


@pytest.mark.parametrize("start", STARTS)
def test_no_heavy_library_is_loaded_by(start: str) -> None:
    done = subprocess.run([sys.executable, "-c", STARTS[start]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ""


def test_the_process_of_the_journal_loads_only_what_writes_it() -> None:
    """It lives beside every run: what it loads costs each start its time, and each run its memory."""
    others = tuple(f"syncflow.{layer}" for layer in ("compiler", "adapters", "sources", "testing", "cli", "mock"))
    loaded = f"print(*[name for name in sys.modules if name.startswith({others!r})], file=sys.stderr)"
    code = f"import sys; import syncflow.runtime.journal.sqlite.worker; {loaded}; {REPORT}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["orjson,sqlite3"]


ALLOWED = {
    "validate": {"jinja2", "jmespath", "orjson", "pydantic", "re2", "yaml"},
    "status": {"orjson", "pydantic", "sqlite3", "yaml"},
    "dlq list": {"orjson", "pydantic", "sqlite3", "yaml"},
}
"""By command: the libraries of which it has need."""


@pytest.mark.parametrize("command", ALLOWED)
def test_a_command_that_only_reads_loads_no_more_than_it_needs(command: str, tmp_path: Path) -> None:
    write_project(tmp_path)
    start = COMMAND.format(report=REPORT, arguments=["syncflow", *command.split()])
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=False, cwd=tmp_path)
    loaded = done.stderr.strip().splitlines()[-1].split(",")
    assert set(loaded) <= ALLOWED[command], done.stderr


@pytest.mark.parametrize("name", syncflow.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(syncflow, name).__name__ == name


def test_the_public_names_are_sorted() -> None:
    assert syncflow.__all__ == sorted(syncflow.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'syncflow' has no attribute 'nonsense'"):
        syncflow.nonsense  # noqa: B018  # asking is the point


UNUSED = (
    "syncflow.config.models.source_kafka",
    "syncflow.config.models.source_webhook",
    "syncflow.config.kafka_settings",
    "syncflow.compiler.wire.system",
    "syncflow.compiler.checks.adapters",
    "syncflow.compiler.door.intake",
)
"""Modules for what the project of ``init`` has none of: other sources, adapters of its own, a run."""


def test_validate_imports_what_the_project_has(tmp_path: Path) -> None:
    init = COMMAND.format(report="None", arguments=["syncflow", "init", "."])
    subprocess.run([sys.executable, "-c", init], capture_output=True, check=True, cwd=tmp_path)
    report = f"print(*[name for name in {UNUSED!r} if name in sys.modules], file=sys.stderr)"
    start = COMMAND.format(report=report, arguments=["syncflow", "validate"])
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr.split() == []


def test_a_run_loads_no_library_of_what_its_project_does_not_use() -> None:
    """What only some sources, systems and journals need is loaded where a project has one of them."""
    unused = ["sqlalchemy", "psycopg", "faker", "starlette", "uvicorn", "duckdb", "opentelemetry", "confluent_kafka"]
    loaded = f"print(*[name for name in {unused!r} if name in sys.modules], file=sys.stderr)"
    code = f"import sys; import syncflow.cli.run, syncflow.runtime.assembly; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
