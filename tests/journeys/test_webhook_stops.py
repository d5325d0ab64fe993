"""A real run that is told to end while many post to it: each request is durable and answered 200, or neither."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys.kill_project import write_project
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.journeys.vendor_stand_in import FakeSystem
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening

SENDERS = 12


@contextmanager
def vendor() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeSystem)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()


class Sender:
    """Posts one body after the other, with event ids of its own, until it is told that the run ends."""

    def __init__(self, number: int, hook: int) -> None:
        self.number, self.hook = number, hook
        self.accepted: set[str] = set()
        self.refused: set[str] = set()
        self.statuses: set[int] = set()

    def send(self, ended: Event) -> None:
        body = 0
        while not ended.is_set():
            body += 1
            ids = [f"s{self.number}b{body}e{index}" for index in range(7)]
            status = self._post(ids)
            self.statuses.add(status)
            (self.accepted if status == 200 else self.refused).update(ids)

    def _post(self, ids: list[str]) -> int:
        """Return the status; 0 where there was no answer."""
        events = [
            {
                "event": name,
                "record": "people",
                "operation": "create",
                "timestamp": "2024-01-15T10:30:00",
                "item": {"id": name, "ref": name, "name": "made", "seq": 1},
            }
            for name in ids
        ]
        request = urllib.request.Request(f"http://127.0.0.1:{self.hook}/events", data=json.dumps(events).encode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


@pytest.mark.parametrize("seconds", [0.1, 0.5])
def test_a_request_that_meets_the_end_of_a_run_is_kept_and_promised_or_neither(tmp_path: Path, seconds: float) -> None:
    hook = free_port()
    with vendor() as port:
        write_project(tmp_path, "webhook", port=port, hook=hook)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        run = subprocess.Popen(
            [*SYNCFLOW, "run", "routes.yaml", "--quiet"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: is_listening(hook))
            ended = Event()
            senders = [Sender(number, hook) for number in range(SENDERS)]
            with ThreadPoolExecutor(SENDERS) as pool:
                sending = [pool.submit(sender.send, ended) for sender in senders]
                try:
                    until(lambda: any(sender.accepted for sender in senders))
                    time.sleep(seconds)
                    run.send_signal(signal.SIGTERM)
                    until(lambda: not is_listening(hook) and any(sender.refused for sender in senders))
                finally:
                    ended.set()
                for each in sending:
                    each.result(timeout=PATIENCE)
            run.wait(timeout=PATIENCE)
        finally:
            run.kill()
            run.wait()
    with connect(tmp_path / ".syncflow" / "journal.db") as db:
        kept = {row[0] for row in db.execute("SELECT event_id FROM events")}
    accepted = set().union(*(sender.accepted for sender in senders))
    refused = set().union(*(sender.refused for sender in senders))
    statuses = set().union(*(sender.statuses for sender in senders))
    assert accepted
    assert refused
    assert statuses <= {0, 200, 503}
    assert accepted - kept == set(), "promised and lost"
    assert kept & refused == set(), "kept, though the sender was told to send again"
