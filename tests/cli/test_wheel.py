"""From an installed wheel, in an empty folder: init, validate, mock, run. Nothing of the checkout is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it into a folder of its own, as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, *map(str, folder.glob("*.whl"))], check=True, capture_output=True)
    return site


@pytest.fixture
def environment(installed: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOCK_", "SYNCFLOW_"))}
    return kept | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1", "MOCK_RATE": "off"}


@pytest.fixture
def address(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "syncflow", "mock", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as mock:
        assert mock.stdout is not None
        yield mock.stdout.readline().split()[-1]
        mock.terminate()


def test_a_wheel_is_all_that_is_needed(environment: dict[str, str], address: str, tmp_path: Path) -> None:
    def syncflow(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "syncflow", *arguments],
            cwd=tmp_path, env=environment | {"MOCK_URL": address, "EVENTS_PER_SECOND": "200"},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    for arguments in (
        ["init"],
        ["validate", "--strict"],
        ["check"],
        ["run", "--limit", "30", "--quiet"],
        ["status"],
    ):
        done = syncflow(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "everything is accounted for, nothing is left" in syncflow("run", "--limit", "1", "--quiet").stdout
