"""What the playground tries, in a process of its own: files as they are being written, and one event, through the project's compiler.

In: JSON on standard input (``tried``). Out: JSON on standard output: diagnostics at their places, where each value comes from, the requests
that would be sent; both with their length in front, one question after the other. Nothing is sent or written, no source is opened, no
variable of the environment and no ``.env`` is read: every ``${NAME}`` without a default is a placeholder. ``playground`` starts it and
bounds its time, memory and answer.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncflow.adapters.rendering import rendered_each
from syncflow.compiler.build import build
from syncflow.compiler.explanations import LegStory, Narrator
from syncflow.compiler.functions.ambient import Ambient, surrounded_by
from syncflow.compiler.origins import Origin
from syncflow.compiler.problems import check
from syncflow.compiler.program import Program
from syncflow.config.models.routes import GenerateSource
from syncflow.config.nodes import MappingNode
from syncflow.config.parts import Inputs
from syncflow.config.project import Project, survey_inputs
from syncflow.config.render import as_json
from syncflow.config.yaml import read_text
from syncflow.console.playground import LENGTH, MOST_ANSWER_BYTES
from syncflow.errors import DataError, SyncflowError
from syncflow.events import Position, Raw
from syncflow.runtime.preview.samples import rehearse
from syncflow.sources.generate import Stream

Json = dict[str, Any]

MOST_FILE_BYTES = 400_000
MOST_VALUE = 2_000
"""Characters of one value, request body or expression that are shown."""
_FILE_REFERENCE = "${file:"


def tried(asked: Mapping[str, Any]) -> Json:
    """Try what was asked: ``routes`` and ``profile``, then ``files`` (the texts to begin with), ``sample``, or ``texts`` and ``event``.

    Raises:
        DataError: it cannot be tried; the words are for the person who asked.
    """
    project = Path(asked["routes"])
    if asked.get("sample"):
        return _sample(_loaded(project, asked, {}), str(asked["sample"]))
    if "event" not in asked:
        return _files(_loaded(project, asked, {}))
    texts = {str(name): str(text) for name, text in dict(asked.get("texts") or {}).items()}
    return _tried(project, asked, texts, str(asked["event"]))


def _tried(path: Path, asked: Mapping[str, Any], texts: Mapping[str, str], event: str) -> Json:
    trees, problems = _trees(path, texts)
    if problems:
        return {"diagnostics": problems, "deliveries": [], "requests": []}
    inputs = _inputs(path, asked, trees)
    found = survey_inputs(inputs)
    known = found.project or found.sound
    if known is not None and (unknown := sorted(trees.keys() - set(_editable(known).values()))):
        raise _not_editable(_relative(path, str(unknown[0])))
    diagnostics = [as_json(each) for each in found.checked_by(check)]
    shown = [{**each, "file": _relative(path, each["file"])} for each in diagnostics]
    if found.project is None or any(each["severity"] == "error" for each in shown):
        return {"diagnostics": shown, "deliveries": [], "requests": []}
    return {"diagnostics": shown} | _outcome(found.project, event)


def _loaded(path: Path, asked: Mapping[str, Any], trees: Mapping[Path, MappingNode]) -> Project:
    found = survey_inputs(_inputs(path, asked, trees))
    project = found.project or found.sound
    if project is None:
        raise DataError("the project cannot be read", hint="`syncflow validate` says why")
    return project


def _inputs(path: Path, asked: Mapping[str, Any], trees: Mapping[Path, MappingNode]) -> Inputs:
    return Inputs(path, asked.get("profile") or None, {}, offline=True, trees=trees)


# -- files ---------------------------------------------------------------------------------------------------------------------------


def _editable(project: Project) -> dict[str, Path]:
    """Return the files that may be written here: what maps and describes records. What is connected and run is not for trying."""
    paths = [
        *project.mappings,
        *(document.path for document in project.schemas.values()),
        *(document.path for merged in project.objects.values() for document in merged.documents),
    ]
    home = project.path.parent
    return {path.relative_to(home).as_posix(): path for path in paths if path.is_relative_to(home)}


def _files(project: Project) -> Json:
    editable = _editable(project)
    texts = {name: path.read_text("utf-8") for name, path in editable.items() if path.stat().st_size <= MOST_FILE_BYTES}
    home = project.path.parent
    schemas = {kind: _relative(project.path, str(document.path)) for kind, document in project.schemas.items()}
    objects = {key: _relative(project.path, str(merged.documents[-1].path)) for key, merged in project.objects.items()}
    mappings = {}
    for path, document in project.mappings.items():
        if path.is_relative_to(home):
            model = document.model
            near = next((name for key, name in objects.items() if "/".join(key) == model.target and name in texts), "")
            beside = {"schema": schemas.get(model.source, ""), "object": near, "kind": model.source}
            mappings[path.relative_to(home).as_posix()] = beside
    return {"files": texts, "mappings": dict(sorted(mappings.items()))}


def _trees(routes: Path, texts: Mapping[str, str]) -> tuple[dict[Path, MappingNode], list[Json]]:
    """Read the texts as the files that they stand for; what is no YAML is told, and tried no further."""
    trees: dict[Path, MappingNode] = {}
    problems: list[Json] = []
    for name, text in texts.items():
        path = _path_of(routes, name)
        if len(text.encode("utf-8", "replace")) > MOST_FILE_BYTES:
            raise DataError(f"{name} is larger than {MOST_FILE_BYTES:,} bytes: too large to be tried here")
        if _FILE_REFERENCE in text:
            raise DataError(f"{name} names a file by {_FILE_REFERENCE}…}}: the playground reads none")
        tree, _, diagnostics = read_text(text, name=path.as_posix())
        if tree is None:
            problems += [{**as_json(each), "file": name} for each in diagnostics]
        else:
            trees[path] = tree
    return trees, problems


def _path_of(routes: Path, name: str) -> Path:
    """Return the file that a name stands for; that the project has it as a mapping, schema or object is seen when it is loaded."""
    path = routes.parent / name
    inside = path.resolve().is_relative_to(routes.parent.resolve()) and ".." not in path.parts
    if not inside or not path.is_file() or path.resolve() == routes.resolve() or "adapters" in path.parts:
        raise _not_editable(name)
    return path


def _not_editable(name: str) -> DataError:
    return DataError(f"{name[:100]} is no mapping, schema or object of this project")


def _relative(path: Path, name: str) -> str:
    found = Path(name)
    return found.relative_to(path.parent).as_posix() if found.is_relative_to(path.parent) else name


# -- one event -----------------------------------------------------------------------------------------------------------------------


def _outcome(project: Project, event: str) -> Json:
    program = build(project)
    raw = Raw(Position("playground", 1, line=1), event.encode("utf-8", "replace"))
    now = time.time()
    with surrounded_by(Ambient(now=lambda: now)):
        story = Narrator(project, program).explain(raw, earlier=lambda _record: iter(()))
    rehearsal = rehearse(program, [raw], now=now)
    (outcome,) = rehearsal.events
    legs = {leg.name: leg for route in story.routes for leg in route.legs}
    return {
        "becomes": outcome.event.state,
        "note": _short(outcome.event.note),
        "routes": [{"name": route.name, "verdict": _short(route.verdict)} for route in story.routes],
        "misfits": [{"path": each.path, "message": each.message, "code": each.code} for each in story.misfits],
        "deliveries": [_leg(leg, story.root or {}) for leg in legs.values()],
        "requests": list(_requests(program, rehearsal.batches)),
        "dead_letters": [
            {"stage": each.stage, "code": each.code, "reason": _short(each.reason), "route": each.route}
            for each in outcome.dead_letters
        ],
    }


def _leg(leg: LegStory, root: Mapping[str, Any]) -> Json:
    match = leg.match
    payload = match.payload if match else {}
    return {
        "route": leg.name,
        "system": leg.system,
        "mapping": Path(leg.mapping).name,
        "operation": (match.operation if match else None) or "nothing",
        "failure": _short(leg.failure),
        "fields": [_field(origin, payload) for origin in leg.fields],
        "test": _test(leg, root, payload),
    }


def _field(origin: Origin, payload: Mapping[str, Any]) -> Json:
    found = origin.evaluation
    readings = () if found is None else found.readings
    read = [f"{each.path} = {_json(each.value)}" if each.there else f"{each.path} is absent" for each in readings]
    return {
        "name": origin.field,
        "value": _json(payload[origin.field]) if origin.field in payload else "",
        "how": "left out" if origin.how != "fails" and origin.field not in payload else origin.how,
        "from": "constant" if found is None else _short(found.text),
        "read": [_short(each) for each in read],
        "error": "" if found is None else _short(found.error),
        "unreadable": [] if found is None else list(found.unreadable),
    }


def _test(leg: LegStory, root: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """Return what tells a mapping's ``tests:`` to expect this: JSON is YAML."""
    given = {name: root[name] for name in ("operation", "item") if name in root}
    lines = [
        f"name: {leg.system} gets what the playground showed",
        f"given: {_whole(given)}",
        f"expect: {_whole(payload)}",
    ]
    return "  - " + "\n    ".join(lines)


def _requests(program: Program, batches: Any) -> Iterator[Json]:
    for batch in batches:
        made, faults = rendered_each(program.systems[batch.system], batch)
        for request in made:
            headers = {name: _short(value) for name, value in request.headers.items()}
            yield {
                "system": batch.system,
                "method": request.method,
                "url": request.url,
                "headers": headers,
                "body": request.body[:20_000],
            }
        for reason in faults.values():
            yield {"system": batch.system, "method": "", "url": "", "headers": {}, "body": "", "fault": _short(reason)}


def _json(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _whole(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _short(text: str) -> str:
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE]}…"


# -- samples -------------------------------------------------------------------------------------------------------------------------


def _sample(project: Project, kind: str) -> Json:
    return {"event": _of_a_file(project) if kind == "file" else _made_up(project, kind.partition(" ")[2])}


def _of_a_file(project: Project) -> str:
    """Return the first line of the file that the project reads, or of the sample beside it."""
    files = [each.file.path for each in project.routes.model.all_sources.values() if each.file]
    for name in (*files, "events.jsonl"):
        path = project.path.parent / str(name)
        if path.is_file():
            with path.open("rb") as file:
                line = file.readline(MOST_FILE_BYTES).decode("utf-8", "replace").strip()
            if line:
                return _pretty(line)
    raise DataError("the project has no file of events", hint="take one that is made up")


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def _made_up(project: Project, kind: str) -> str:
    """Make up an event of a kind of record by its schema; of the first kind where there is none of this name."""
    document = project.schemas.get(kind) or next(iter(project.schemas.values()), None)
    if document is None:
        raise DataError("the project describes no kind of record")
    name = kind if kind in project.schemas else next(iter(project.schemas))
    event = Stream(name, document.model, settings=GenerateSource(seed=int(time.time()))).next_event()
    return json.dumps(event, ensure_ascii=False, indent=2, default=str)


def bounded(seconds: int, most_bytes: int) -> None:
    """Let this process use no more than so much time of the processor and memory, and write no file."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer_to(given: bytes) -> bytes:
    """Answer one question within its bounds, which are those of the process from then on."""
    asked = json.loads(given)
    bounded(int(asked["seconds"]), int(asked["most_bytes"]))
    try:
        answer = tried(asked)
    except SyncflowError as error:
        answer = {"error": error.message, "hint": error.hint}
    except MemoryError:
        answer = {"error": "this takes more memory than the playground may use"}
    return json.dumps(answer, ensure_ascii=False, default=str).encode("utf-8", "replace")


def main() -> None:
    """Answer questions, each in a process that is forked for it: it knows nothing of the ones before, and its bounds are its own.

    This process only waits for them: it has imported what a try needs, which takes longer than the try.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no part of an answer
    gc.freeze()
    while head := sys.stdin.buffer.read(LENGTH.size):
        answer = _apart(sys.stdin.buffer.read(*LENGTH.unpack(head)), answers.fileno())
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _apart(given: bytes, answers: int) -> bytes:
    """Return what a process of its own answers; nothing where it was ended."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        os.close(source)
        os.close(answers)
        with os.fdopen(sink, "wb") as told, contextlib.suppress(Exception):
            told.write(answer_to(given))
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as heard:
        answer = heard.read(MOST_ANSWER_BYTES + 1)
        if len(answer) > MOST_ANSWER_BYTES:
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer


if __name__ == "__main__":
    main()
