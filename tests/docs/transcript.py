"""Runs what a page shows, in one shell and a copy of the project, and compares what it prints."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import ROOT, Block, read
from tests.docs.kinds import file_of
from tests.patience import PATIENCE
from tests.ports import free_port

PROJECT = (
    "routes.yaml",
    "schemas",
    "mappings",
    "objects",
    "examples",
    "mock_api.py",
    "README.md",
    "requirements-dev.lock",
)
EXECUTED = ("console", "sh", "bash", "python")
_MARK = "\x1e"
_STATUS = f"status=$?; printf '\\n{_MARK}%s\\n' $status"
# Waits until the mock answers.
_READY = "for turn in $(seq 6000); do (echo > /dev/tcp/127.0.0.1/$MOCK_PORT) 2>/dev/null && break; sleep 0.1; done"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page; ``expected`` is None where the page shows no output on purpose (sh, python)."""

    place: str
    text: str
    expected: str | None


def commands(page: Path, folder: Path) -> list[Command]:
    """Return the page's commands in order; Python blocks and files that it shows whole become a command each."""
    found: list[Command] = []
    for block in read(page):
        if block.reason is not None:
            continue
        if path := file_of(block):
            shown = folder / f".block_{block.line}.yaml"
            shown.write_text(block.text, "utf-8")
            found.append(Command(block.id, f"mkdir -p $(dirname {path}) && cp {shown} {path}", None))
        elif block.language not in EXECUTED:
            continue
        elif block.language == "console":
            found += _transcript(block)
        elif block.language == "python":
            script = folder / f".block_{block.line}.py"
            script.write_text(block.text, "utf-8")
            found.append(Command(block.id, f"python {script}", None))
        else:
            found.append(Command(block.id, block.text.strip(), None))
    return found


def _transcript(block: Block) -> Iterator[Command]:
    """``$ command`` lines, each followed by its output; a command goes on after a backslash."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        match = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", part, re.DOTALL)
        assert match is not None
        yield Command(block.id, match[1], match[2])


def run(page: Path, folder: Path) -> list[str]:
    """Run the page's commands and return what is not as the page says."""
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, folder / name)
    listed = commands(page, folder)
    script = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n" + "".join(
        _shell(index, listed) for index in range(len(listed))
    )
    printed = _run_script(script, folder)
    outputs = re.split(rf"\n{_MARK}(\d+)\n", printed)
    return [problem for index, command in enumerate(listed) if (problem := _compare(command, index, listed, outputs))]


def _run_script(script: str, folder: Path) -> str:
    """Return all that a script prints; what does not end in time is ended, with whatever it has started."""
    environment = _environment(_install(folder))
    with subprocess.Popen(
        ["bash", "-c", script], cwd=folder, env=environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as shell:  # fmt: skip
        try:
            return shell.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            return f"{shell.communicate()[0]}\n(did not end within {PATIENCE} s)"


def _shell(index: int, listed: list[Command]) -> str:
    """Run a command and tell its exit code; end there if it failed and the page does not go on to show that."""
    text = listed[index].text
    shown_next = index + 1 < len(listed) and listed[index + 1].text == "echo $?"
    goes_on = "" if shown_next else "[ $status -eq 0 ] || exit\n"
    if text.endswith("&"):
        text = f"{text[:-1]} >/dev/null 2>&1 &\n{_READY if 'syncflow mock' in text else ''}\n(exit 0)"
    return f"{text}\n{_STATUS}\n{goes_on}(exit $status)\n"


def _install(folder: Path) -> Path:
    """Make the command for this Python, whether syncflow is installed in it or only found from here."""
    command = folder / ".bin" / "syncflow"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m syncflow "$@"\n', "utf-8")
    command.chmod(0o755)
    return command.parent


def _environment(commands_folder: Path) -> dict[str, str]:
    port = free_port()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SYNCFLOW_", "MOCK_", "SALESFORCE_", "HUBSPOT_"))
    }
    path = os.pathsep.join([str(commands_folder), str(Path(sys.executable).parent), kept.get("PATH", "")])
    ours = {"PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "140"}
    ports = {name: str(free_port()) for name in ("CONSOLE_PORT", "WEBHOOK_PORT")}
    ports |= {"MOCK_PORT": str(port), "MOCK_URL": f"http://127.0.0.1:{port}"}
    return kept | ours | ports


def _compare(command: Command, index: int, listed: list[Command], outputs: list[str]) -> str:
    where = f"{command.place}: $ {command.text}"
    if 2 * index + 1 >= len(outputs):
        return f"{where}\nwas never reached; the last output was:\n{outputs[-1]}"
    printed, status = outputs[2 * index], outputs[2 * index + 1]
    shown_next = index + 1 < len(listed) and listed[index + 1].text == "echo $?"
    if status != "0" and not shown_next:
        return f"{where}\nended with {status}:\n{printed}"
    if command.expected is not None and not fits(command.expected, printed):
        return f"{where}\nexpected:\n{command.expected}\nprinted:\n{printed}"
    return ""


def fits(expected: str, printed: str) -> bool:
    """Say whether the output is as shown; ``…`` stands for anything in a line, alone in a line for any lines."""
    lines = [_line_pattern(line) for line in expected.strip().splitlines()]
    return re.fullmatch("".join(lines), _lines(printed)) is not None


def _lines(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.rstrip().split("…")) + "\n"
