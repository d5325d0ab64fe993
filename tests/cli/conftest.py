"""Commands as a person gives them: in this process, with a code and what they printed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncflow.cli.app import run_command_line
from syncflow.cli.console import remarks_to
from syncflow.mock.server import Running, running_mock
from syncflow.mock.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FAST = Settings.from_env({"MOCK_RATE": "off"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """A command sets up logging for its process, which here is that of other tests too."""
    logger, root = logging.getLogger("syncflow"), logging.getLogger()
    before = logger.handlers[:], logger.level, logger.propagate, root.handlers[:]
    yield
    logger.handlers[:], logger.level, logger.propagate, root.handlers[:] = before
    remarks_to(None)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    for name in ("MOCK_MODE", "SYNCFLOW_PROFILE", "LOG_LEVEL", "SALESFORCE_URL", "HUBSPOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str | Path) -> Ended:
        with pytest.raises(SystemExit) as left:
            run_command_line([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ended(left.value.code if isinstance(left.value.code, int) else 0, printed.out, printed.err)

    with _logging_as_before():
        yield run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the default project, which is also the current folder."""
    shutil.copytree(ROOT / "syncflow" / "cli" / "project", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with running_mock(FAST) as running:
        monkeypatch.setenv("MOCK_URL", running.url)
        yield running


@pytest.fixture
def from_file(project: Path) -> Path:
    """The default project, reading its sample events as fast as it can."""
    path = project / "routes.yaml"
    text = path.read_text("utf-8").replace("requests: 5/s", "requests: 1000/s")
    start, end = text.index("source:"), text.index("records:")
    path.write_text(text[:start] + "source: {file: {path: events.jsonl}}\n" + text[end:], "utf-8")
    return project
