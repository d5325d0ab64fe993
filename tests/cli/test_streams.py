"""Standard output and error that take no more: the disk is full, or whoever read has gone. Real processes, real pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FULL = Path("/dev/full")

COMMANDS = [
    ["adapters", "list"],
    ["adapters", "list", "--output", "json"],
    ["functions"],
    ["docs", "routes"],
    ["validate", "--output", "json"],
    ["dry-run"],
    ["test"],
    ["--help"],
    ["--version"],
]


@contextmanager
def gone() -> Iterator[int]:
    """Give the end of a pipe that no one reads."""
    read, write = os.pipe()
    os.close(read)
    try:
        yield write
    finally:
        os.close(write)


def syncflow(
    *arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "syncflow", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, text=True, check=False)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("project")
def test_a_result_that_no_one_reads_ends_the_command_in_silence(arguments: list[str]) -> None:
    with gone() as pipe:
        ended = syncflow(*arguments, stdout=pipe)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("project")
def test_a_result_for_which_the_disk_is_full_is_an_error_that_says_so(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        ended = syncflow(*arguments, stdout=full.fileno())
    words = "error: standard output takes no more: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, words)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.usefixtures("project")
def test_an_error_that_cannot_be_told_keeps_its_exit_code() -> None:
    with FULL.open("w") as full, gone() as pipe:
        for stream in (full.fileno(), pipe):
            assert syncflow("validate", "nothing.yaml", stderr=stream).returncode == 1
            assert syncflow("validate", "--nothing", stderr=stream).returncode == 2
            assert syncflow("adapters", "list", stdout=full.fileno(), stderr=stream).returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("options", [[], ["--log-format", "json"], ["--quiet"]], ids=["text", "json", "quiet"])
@pytest.mark.parametrize("stream", ["full", "gone"])
@pytest.mark.usefixtures("from_file", "mock")
def test_a_run_whose_words_no_one_hears_delivers_everything(options: list[str], stream: str) -> None:
    with FULL.open("w") as full, gone() as pipe:
        ended = syncflow("run", "--output", "json", *options, stderr=full.fileno() if stream == "full" else pipe)
    told = json.loads(ended.stdout)
    assert ended.returncode == 1, "one of the samples is wrong on purpose"
    assert (told["events"]["read"], told["open"], told["dead_letters"], told["accounted"]) == (10, 0, 1, True)


@pytest.mark.usefixtures("from_file", "mock")
def test_a_run_whose_result_no_one_reads_has_delivered_everything() -> None:
    with gone() as pipe:
        assert syncflow("run", "--quiet", stdout=pipe).returncode == 141
    told = json.loads(syncflow("status", "--output", "json").stdout)
    assert {each["state"]: each["count"] for each in told["deliveries"]} == {"delivered": 4}
    assert told["last_run"]["ending"]["how"] == "done"
