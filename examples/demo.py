"""The whole product in half a minute: mock systems on a free port, generated events, and what both sides say afterwards.

`make demo` runs it. It does nothing that a person could not type: `syncflow mock`, `syncflow run routes.yaml`, and a look at
the mock's /admin/summary.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("routes.yaml", "schemas", "mappings", "objects")
SYNCFLOW = [sys.executable, "-m", "syncflow"]
EVENTS = 400
EVENTS_PER_SECOND = 20


def main() -> int:
    """Run the demo; 0 only if every event is accounted for and nothing is dead."""
    with tempfile.TemporaryDirectory(prefix="syncflow-demo-") as folder, mock_systems() as address:
        for name in PROJECT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder) / name)
        print(f"\n$ EVENTS_PER_SECOND={EVENTS_PER_SECOND} syncflow run routes.yaml --limit {EVENTS}\n", flush=True)
        seconds = EVENTS // EVENTS_PER_SECOND
        print(
            f"It takes about {seconds} seconds, and up to {4 * seconds} where the limits of 5 requests a second bind.",
            flush=True,
        )
        print("Progress comes every few seconds.\n", flush=True)
        settings = {"EVENTS_PER_SECOND": str(EVENTS_PER_SECOND), "MOCK_MODE": "true", "MOCK_URL": address}
        done = subprocess.run(
            [*SYNCFLOW, "run", "routes.yaml", "--limit", str(EVENTS)],
            cwd=folder,
            env=os.environ | settings,
            check=False,
        )
        show(holdings(address))
    return done.returncode


@contextmanager
def mock_systems() -> Iterator[str]:
    """Serve the mock on a free port; gives its address."""
    print("$ syncflow mock --port 0", flush=True)
    with subprocess.Popen([*SYNCFLOW, "mock", "--port", "0"], stdout=subprocess.PIPE, text=True) as mock:
        try:
            assert mock.stdout is not None
            first = mock.stdout.readline()
            if not first:
                raise SystemExit("the mock systems did not start")
            print(first, end="", flush=True)
            yield first.split()[-1]
        finally:
            mock.terminate()


def holdings(address: str) -> dict[str, Any]:
    """Ask the mock what its systems hold."""
    with urllib.request.urlopen(f"{address}/admin/summary", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def show(summary: dict[str, Any]) -> None:
    """Print what every system that was spoken to holds."""
    print("\nWhat the mock systems hold now:\n")
    for name, system in summary.items():
        requests = system["requests"]
        if requests["seen"]:
            records = ", ".join(f"{count} {kind}" for kind, count in system["records"].items() if count)
            refused = sum(requests["refused"].values())
            window = requests["largest_window"]
            print(
                f"  {name:<12}{records:<20}{requests['seen']} requests, {refused} refused for rate, "
                f"at most {window['requests']} within {window['seconds']:g} s"
            )


if __name__ == "__main__":
    sys.exit(main())
