"""A private Prometheus that scrapes a run and looks at rules; ``promtool``, which tests rules without one."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening
from tests.servers import need


def promtool(*arguments: str | Path) -> str:
    """Run ``promtool``, which must be content; return what it says."""
    program = need(shutil.which("promtool"), "Prometheus")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass
class Server:
    port: int

    def ask(self, path: str, **words: str) -> Any:
        """Return the data of an answer of its API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{words}: {refused.read().decode()}") from refused
        assert found["status"] == "success", found
        return found["data"]

    def is_ready(self) -> bool:
        if not is_listening(self.port):
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False

    def result(self, query: str) -> list[Any]:
        """Return what an expression gives now."""
        found: list[Any] = self.ask("query", query=query)["result"]
        return found


@contextmanager
def running(*, target: str, rules: Path) -> Iterator[Server]:
    """Scrape ``target`` (host:port) and look at the rules, each second."""
    program = need(shutil.which("prometheus"), "Prometheus")
    with tempfile.TemporaryDirectory(prefix="syncflow-prometheus-") as name:
        folder = Path(name)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "syncflow", "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
        server = Server(free_port())
        command = [
            program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{server.port}", "--log.level=error",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        try:
            until(lambda: server.is_ready() or process.poll() is not None, otherwise="Prometheus does not start")
            assert process.poll() is None, (folder / "log").read_text()
            yield server
        finally:
            process.kill()
            process.wait()
