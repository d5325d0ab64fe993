"""Make the picture of a terminal: what `validate` prints of a slip, and a frame of the live view of a real run, as an SVG.

``make pictures`` runs it; it takes half a minute. The live view draws only in a terminal, so the run has one of its own (a pty).
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text
from running import PATIENCE_SECONDS, SYNCFLOW, beside_the_mock

PICTURE = Path(__file__).with_name("terminal.svg")
WIDTH, HEIGHT = 96, 40
RUN_SECONDS = 20
RIGHT, WRONG = "lower(item.email)", "lowr(item.email)"
_FRAMES = re.compile(r"(?:\r?\x1b\[(?:1A|2K|\?25[lh]))+")
_ELSEWHERE = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
"""Fonts that a viewer would fetch from another host."""


def main() -> None:
    """Write ``terminal.svg`` beside this file."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    with beside_the_mock(EVENTS_PER_SECOND="60", MOCK_RATE="20/s", MOCK_FAULTS="invalid=0.02") as (
        project,
        environment,
    ):
        mapping = next(path for path in project.glob("mappings/*.yaml") if RIGHT in path.read_text("utf-8"))
        right = mapping.read_text("utf-8")
        for command in ("validate", "run"):
            slip = right.replace(RIGHT, WRONG)
            mapping.write_text(slip if command == "validate" else right, "utf-8")
            printed = _printed(project, environment, command)
            console.print(Text.assemble(("$ ", "green"), (f"syncflow {command}", "bold")))
            console.print(Text(_last_frame(printed) if command == "run" else printed.strip()))
            console.print()
    text = console.export_svg(
        title="syncflow", code_format=_ELSEWHERE.sub("", CONSOLE_SVG_FORMAT), unique_id="syncflow"
    )
    PICTURE.write_text(f"{text.rstrip()}\n", "utf-8")


def _printed(project: Path, environment: dict[str, str], command: str) -> str:
    """Return what a command writes to a terminal until it ends, or for as long as a picture of a run takes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    terminal = {"TERM": "xterm", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [*SYNCFLOW, command], cwd=project, env=environment | terminal, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    found, until = b"", time.monotonic() + RUN_SECONDS
    while time.monotonic() < until and select.select([ours], [], [], until - time.monotonic())[0]:
        try:
            found += os.read(ours, 65536)
        except OSError:  # Linux says so once the other side has closed
            break
    process.terminate()
    while process.poll() is None:  # what it prints at its end wants to be read
        if select.select([ours], [], [], 0.1)[0]:
            try:
                os.read(ours, 65536)
            except OSError:
                process.wait(PATIENCE_SECONDS)
    os.close(ours)
    return found.decode("utf-8", "replace").replace("\r\n", "\n")


def _last_frame(printed: str) -> str:
    """Return the last whole drawing of the live view."""
    frames = [frame for frame in _FRAMES.split(printed) if "DELIVERED" in frame]
    return frames[-1].strip()


if __name__ == "__main__":
    main()
