"""What is not used is not loaded: starting must not wait for libraries that only some commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
