"""Nothing that a record, a vendor or a file's name holds commands a terminal or forges a line, whatever the command."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from syncflow.visible import visible, visible_block, visible_json
from tests.cli.conftest import ROOT
from tests.patience import PATIENCE

HOSTILE = "A\u001b[2J\u009b1m\nforged line\r\u202eevil\u200b\u2066x\u007f"
ID = HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x9b\x7f\x00", "\\x9b\\x7f\\x00"),
        ("\u202e\u2066\u200b\ufeff\u2028", "\\u202e\\u2066\\u200b\\ufeff\\u2028"),
        ("\U000e0041", "\\U000e0041"),
        ("Zoë 李 👩‍🚀 نه‌ها", "Zoë 李 👩‍🚀 نه‌ها"),
    ],
)
def test_what_commands_a_terminal_is_written_visibly_and_letters_stay(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_block_keeps_its_line_breaks_only() -> None:
    assert visible_block("a\n\x1bb") == "a\n\\x1bb"


def test_json_with_escapes_means_exactly_the_same() -> None:
    value = {"id": ID, "tag": "\U000e0041"}
    text = visible_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert visible_block(text) == text


COMMANDS = (
    ("dry-run", "--events", "events.jsonl"),
    ("explain", "--event", "events.jsonl"),
    ("run", "--wait", "0"),
    ("status",),
    ("status", ID),
    ("dlq", "list"),
    ("dlq", "list", "--reasons"),
    ("dlq", "show", "1"),
    ("dlq", "export"),
    ("replay", "--dry-run"),
    ("status", ID, "--output", "json"),
    ("dlq", "list", "--output", "json"),
)


def test_no_command_lets_a_record_command_the_terminal_or_forge_a_line(
    from_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_URL", "http://127.0.0.1:9")  # nothing listens there
    item = json.loads((from_file / "events.jsonl").read_text("utf-8").splitlines()[0])
    good = item | {"item": item["item"] | {"id": ID, "name": f"Ada {HOSTILE}"}}
    bad = item | {"item": item["item"] | {"id": f"B{HOSTILE}", "email": HOSTILE}}
    (from_file / "events.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(bad)}\n", "utf-8")
    shown = {command: _on_a_terminal(*command) for command in COMMANDS}
    for command, text in shown.items():
        lines = _without_our_own(text).replace("\r\n", "\n")
        assert visible_block(lines) == lines, (command, lines)
        assert not [line for line in lines.splitlines() if line.startswith("forged line")], command
    assert "\\x1b[2J" in shown["dlq", "list"]
    assert "\\x1b[2J" in shown["status", ID]


def _without_our_own(text: str) -> str:
    """Take out what rich writes to a terminal itself: colours, and moving the cursor of the live view."""
    return re.sub(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K|\r(?!\n)", "", text)


def _on_a_terminal(*arguments: str) -> str:
    """Run a command with its output on a pseudo-terminal; return what it wrote there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncflow", *arguments],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160"},
    )  # fmt: skip
    os.close(theirs)
    came = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        came += part
    process.wait(timeout=PATIENCE)
    os.close(ours)
    return came.decode("utf-8")
