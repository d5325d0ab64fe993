"""Map the lines of a file by VRL; prints the microseconds a line takes (best of fifteen, processor time) and what it made of the first."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from vrl_python import VRLRuntime


def main(program: str, lines: str) -> None:
    source, events = Path(program).read_text("utf-8"), [{"line": line} for line in Path(lines).read_text().splitlines()]
    runtime = VRLRuntime()
    best = float("inf")
    for _ in range(15):
        start = time.process_time()
        for event in events:
            runtime.execute(source, event)
        best = min(best, (time.process_time() - start) / len(events))
    made = runtime.execute(source, events[0]).processed_event["out"]
    print(json.dumps({"microseconds": best * 1e6, "made": json.loads(made)}))


main(*sys.argv[1:])
