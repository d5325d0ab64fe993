"""Settings → source: the right one, and nothing loaded that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncflow.config.models.routes import FileSource, GenerateSource, SourceSettings, StdinSource
from syncflow.config.models.source_webhook import WebhookSource
from syncflow.sources import Surroundings, build, open_source
from syncflow.sources.base import Source
from syncflow.sources.file import File
from syncflow.sources.generate import Generate
from syncflow.sources.stdin import Stdin
from syncflow.sources.webhook import Webhook
from tests.patience import PATIENCE
from tests.sources.kit import CONTACT, StepClock

KINDS = [
    (SourceSettings(generate=GenerateSource()), Generate),
    (SourceSettings(file=FileSource(path="a")), File),
    (SourceSettings(stdin=StdinSource()), Stdin),
    (SourceSettings(webhook=WebhookSource()), Webhook),
]


@pytest.mark.parametrize(("settings", "kind"), KINDS, ids=lambda value: getattr(value, "kind", ""))
def test_each_setting_makes_its_source(settings: SourceSettings, kind: type[Source], tmp_path: Path) -> None:
    made = open_source(settings, Surroundings(base=tmp_path, schemas={"contacts": CONTACT}, clock=StepClock()))
    assert isinstance(made, kind)


def test_every_setting_of_a_source_can_be_opened() -> None:
    assert list(build.OPENERS) == list(SourceSettings.model_fields)


def test_a_file_needs_no_heavy_library() -> None:
    program = """
import sys
import syncflow.sources.build, syncflow.sources.file
print([name for name in ("faker", "fastapi", "uvicorn", "aiolimiter") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_silent_standard_input_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, sys
from syncflow.config.models.routes import StdinSource
from syncflow.sources.stdin import Stdin
async def main():
    source = Stdin(StdinSource(), stream=sys.stdin.buffer, run="1")
    await source.open({})
    print((await source.read(most=1))[0].body.decode(), flush=True)
    await source.close()
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write("{}\n")
        running.stdin.flush()  # and it stays open
        assert running.stdout.read() == "{}\n"
        assert running.wait(PATIENCE) == 0
        assert running.stderr.read() == ""
