"""The texts of an adapter file compiled to functions, with every problem placed: expressions, templates, patterns.

What expressions of one place see is a type (``visible_names``); where it is an object, a name that is not in it is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

import re2

from syncflow.compiler.expressions import Emitted, Emitter
from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.languages.base import ExpressionError, Read, is_jinja
from syncflow.compiler.types.json import ABSENT, ANY, Object, Type, compiled_pattern, members
from syncflow.compiler.wire.plans import Render, Renders, Root, Value
from syncflow.compiler.wire.visible_names import VisibleNames
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.models.adapter import AdapterFile
from syncflow.errors import DataError
from syncflow.patterns import lazy_pattern

T = TypeVar("T")
Step = str | int
_AS_IN_A_BODY = lazy_pattern(
    r"(key\.(name|value)|(payload|options|auth)\.\w+|token\.value|record\.(kind|id)|delivery\.(unique_)?id|batch\.id|vendor_id)"
)
_HEADER = lazy_pattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_BODY = frozenset({"content-length", "transfer-encoding", "content-encoding"})
_OF_ANOTHER_NOTATION = lazy_pattern(rf"(?<![{{$])\{{\s*([\w.]+)\s*\}}(?!\}})|(?<=/):{_AS_IN_A_BODY.pattern}(?![\w.])")
"""An insert as other tools write it, which would be sent as it stands: ``{id}``, ``:vendor_id``."""


class Placed(Protocol):
    """A file's path and the places in it."""

    @property
    def path(self) -> Path: ...

    def span(self, *path: Step) -> Any: ...


class Problem(NamedTuple):
    """Something wrong at a place of the adapter file; ``offset`` counts characters into the text that stands there."""

    path: tuple[Step, ...]
    message: str
    hint: str = ""
    offset: int | None = None


Compiled = dict[tuple[Step, ...], tuple[Any, tuple[Problem, ...]]]
"""Parts of a file that were compiled before, by their place, with what was wrong with them."""


class CompiledAdapters:
    """What was compiled of adapter files and depends on no system's settings: it serves every system and profile alike."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[AdapterFile, Compiled]] = {}

    def of(self, model: AdapterFile) -> Compiled:
        """Return what is known of one file; it is filled by who compiles."""
        return self._kept.setdefault(id(model), (model, {}))[1]


def never(_: Any) -> Any:
    """Stand for what did not compile; the problem is reported and nothing runs."""
    raise DataError("this does not compile")


class AdapterExpressions:
    """Compiles the texts of one file; ``problems`` has grown by whatever was wrong."""

    def __init__(self, document: Placed, sight: VisibleNames, compiled: Compiled | None = None) -> None:
        self._document = document
        self.sight = sight
        self.problems: list[Problem] = []
        self._once: Compiled = {} if compiled is None else compiled

    def after(self, steps: Mapping[str, Mapping[str, Type]]) -> AdapterExpressions:
        """Return what compiles the texts of a step that comes after these; problems are noted in one place."""
        return self._seeing(self.sight.after(steps))

    def mixed(self) -> AdapterExpressions:
        """Return what compiles the texts of requests that carry records of several objects or operations."""
        return self._seeing(self.sight.mixed())

    def _seeing(self, sight: VisibleNames) -> AdapterExpressions:
        texts = AdapterExpressions(self._document, sight)
        texts.problems = self.problems
        return texts

    def once(self, part: tuple[Step, ...], compile_it: Callable[[], T]) -> T:
        """Return a part of the file compiled, with its problems noted: by ``compile_it`` if it was not compiled before."""
        if part not in self._once:
            others, self.problems = self.problems, []
            made = compile_it()
            self._once[part] = made, tuple(self.problems)
            self.problems = others
        made, problems = self._once[part]
        for problem in problems:
            self._note(problem)
        return made

    def place(self, *path: Step) -> str:
        """Return ``crm.yaml:41`` for the line where ``path`` stands."""
        return f"{Path(self._document.path).name}:{self._document.span(*path).line}"

    def wrong(self, path: tuple[Step, ...], message: str, *, hint: str = "") -> None:
        """Note a problem, once."""
        self._note(Problem(path, message, hint))

    def value(self, text: str, *path: Step, sees: Type = ANY) -> Value:
        """Compile an expression over what it sees: the names of a root, or the part of an answer that it reads."""
        return self._compiled(text, path, sees, None)

    def type_of(self, text: str) -> Type:
        """Return the type of what an expression makes of a part of an answer; any where it does not compile, which is said elsewhere."""
        try:
            return _compile(text, ANY, None).type
        except ExpressionError:
            return ANY

    def reads_something(self, text: str) -> bool:
        """Whether an expression over a part of an answer depends on it; so it is said of one that does not compile."""
        try:
            return bool(_compile(text, ANY, None).reads) or "@" in text
        except ExpressionError:
            return True

    def condition(self, text: str, *path: Step, sees: Type = ANY) -> Value:
        """Compile an expression that must be true or not: JMESPath, since Jinja gives text and the text False is something."""
        if is_jinja(text):
            self.wrong(
                path, "a condition is written in JMESPath, not Jinja", hint="such as !vendor_id or status == 'ok'"
            )
            return never
        return self.value(text, *path, sees=sees)

    def template(self, text: str, *path: Step, sees: Type, escape: Callable[[str], str] | None = None) -> Render:
        """Compile text with inserts."""
        self._no_expression(text, *path)
        if not is_jinja(text):
            return lambda _: text
        made: Render = self._compiled(text, path, sees, escape)
        return made

    def url(self, text: str, *path: Step, sees: Type) -> Render:
        """Compile a path whose inserts are encoded, each as one segment."""
        for found in _OF_ANOTHER_NOTATION.finditer(text):
            name = found[1] or found[2]
            hint = f"an insert is written with two brackets on each side: {{{{ {name} }}}}"
            self._note(Problem(path, f"{found[0]} is sent as it stands", hint, found.start()))
        made = self.template(text, *path, escape=_segment, sees=sees)
        return _ends_in_a_segment(made) if _LAST_IS_AN_INSERT.search(text) else made

    def _no_expression(self, text: str, *path: Step) -> None:
        """Note what is written as in a body, where it would be sent as it stands."""
        if _AS_IN_A_BODY.fullmatch(text):
            self.wrong(path, f"{text} is sent as it stands: text is a template here", hint=f"write {{{{ {text} }}}}")

    def begins_with_slash(self, text: str, *path: Step) -> None:
        """Note a path that would run on from the host's name, so that what is sent would go to another host."""
        if text and not text.startswith(("/", "?")):
            self.wrong(path, "a path begins with /", hint=f"a path is written /{text}, a URL with https://")

    def templates(self, texts: Mapping[str, str], *path: Step, sees: Type) -> Renders:
        """Compile named texts with inserts: one function makes them all. A text that is one insert is left out where that is null."""
        for name, text in texts.items():
            self._no_expression(text, *path, name)
        if not any(map(is_jinja, texts.values())):
            constant = dict(texts)
            return lambda _: constant
        emitter = Emitter(sees)
        for name, text in texts.items():
            add = partial(emitter.template, text, is_sent=True) if is_jinja(text) else partial(emitter.constant, text)
            emitter.field(name, self.added(emitter, (*path, name), add, sees), omit_null=True)
        made: Renders = self.made(emitter, path)
        return made

    def headers(self, texts: Mapping[str, str], *path: Step, sees: Type) -> Renders:
        """Compile the headers of a request."""
        for name in texts:
            if not _HEADER.fullmatch(name):
                hint = "letters, digits and dashes: X-Api-Key"
                self.wrong((*path, name), f"{name!r} is not a name that a header can have", hint=hint)
            elif name.lower() in _OF_THE_BODY:
                self.wrong((*path, name), f"{name} is told by what is sent itself", hint="take it out")
        return self.templates(texts, *path, sees=sees)

    def pattern(self, text: str, *path: Step) -> Callable[[str], bool]:
        """Compile a pattern (RE2) to be found in a text."""
        try:
            search = compiled_pattern(text).search
        except re2.error as error:
            reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            self.wrong(path, f"the pattern cannot be used: {reason}", hint="patterns are written as RE2 reads them")
            return never
        return lambda found: search(found) is not None

    def added(self, emitter: Emitter, path: tuple[Step, ...], add: Callable[[], Emitted], sees: Type) -> Emitted:
        """Return an expression that is added to a function; null, and a problem noted, where it is wrong."""
        try:
            emitted = add()
        except ExpressionError as error:
            self.failed(error, path)
            return emitter.constant(None)
        self._check(emitted.reads, emitted.findings, sees, path)
        return emitted

    def made(self, emitter: Emitter, path: tuple[Step, ...], result: Emitted | None = None) -> Callable[[Any], Any]:
        """Return the function that an emitter has been given the parts of."""
        try:
            return emitter.call(str(next((step for step in reversed(path) if isinstance(step, str)), "")), result)
        except ExpressionError as error:
            self.failed(error, path)
            return never

    def _compiled(
        self, text: str, path: tuple[Step, ...], sees: Type, escape: Callable[[str], str] | None
    ) -> Callable[[Any], Any]:
        try:
            compiled = _compile(text, sees, escape)
        except ExpressionError as error:
            self.failed(error, path)
            return never
        self._check(compiled.reads, compiled.findings, sees, path)
        return compiled.call

    def _check(self, reads: Iterable[Read], findings: Iterable[Finding], sees: Type, path: tuple[Step, ...]) -> None:
        """Note names that are not there; else the first thing that the types prove. What may be wrong is left to the tests."""
        before = len(self.problems)
        self.check_names(reads, sees, path)
        proven = next((finding for finding in findings if finding.severity == "error"), None)
        if proven is not None and len(self.problems) == before:
            close = f"did you mean {proven.suggestion}?" if proven.suggestion else ""
            self._note(Problem(path, proven.message, proven.hint or close, proven.offset))

    def check_names(self, reads: Iterable[Read], sees: Type, path: tuple[Step, ...]) -> None:
        """Note every name that is not there to be read."""
        if not isinstance(sees, Object):
            return
        names, seen = dict(sees.properties), set[tuple[Any, ...]]()
        for read in reads:
            first, kind, way = str(read.steps[0]), names.get(str(read.steps[0]), ANY), read.steps[:1]
            if first not in names and way not in seen:
                self._unknown("nothing here is called", first, names, path, read.offset)
            seen.add(way)
            for step in read.steps[1:]:
                known = _known_in(kind)
                if known is None or not isinstance(step, str):
                    break
                if step not in known and (*way, step) not in seen:
                    self._unknown(f"{'.'.join(map(str, way))} has no", step, list(known), path, read.offset)
                kind, way = known.get(step, ANY), (*way, step)
                seen.add(way)

    def _unknown(self, words: str, name: str, known: Iterable[str], path: tuple[Step, ...], offset: int) -> None:
        self._note(Problem(path, f"{words} {name}", self._hint(words, name, sorted(known)), offset))

    def _hint(self, words: str, name: str, known: Sequence[str]) -> str:
        there = f"there is {', '.join(known) or 'none'}"
        if words == "steps has no":
            return f"a step sees those before it: {there}"
        if "deliveries" in known and name in dict(self.sight.record.properties):
            return "this request may carry several records: what is of one is seen within `each`, or of each of `deliveries`"
        close = did_you_mean(name, known)
        field = f"; a field of the answer is written body.{name}" if "body" in known else ""
        return f"did you mean {close}?" if close else f"{there}{field}"

    def failed(self, error: ExpressionError, path: tuple[Step, ...]) -> None:
        """Note what cannot be compiled."""
        self._note(Problem(path, error.message, error.hint, error.offset))

    def _note(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


class _Compiled(NamedTuple):
    call: Callable[[Any], Any]
    reads: Sequence[Read]
    findings: Sequence[Finding]
    type: Type


@lru_cache(maxsize=1024)
def _compile(text: str, sees: Type, escape: Callable[[str], str] | None) -> _Compiled:
    """Compile a text once: adapters repeat themselves, and what ``validate`` checks is what ``run`` uses."""
    emitter = Emitter(sees)
    emitted = emitter.expression(text) if escape is None else emitter.template(text, escape=escape, is_sent=True)
    return _Compiled(emitter.call("made", emitted), emitted.reads, emitted.findings, emitted.type)


def _known_in(kind: Type) -> dict[str, Type] | None:
    """Return the names of objects that have no others, and their types; None where anything may be there."""
    objects = [member for member in members(kind) if isinstance(member, Object)]
    if len(objects) != 1 or objects[0].rest != ABSENT:
        return None
    return dict(objects[0].properties)


_LAST_IS_AN_INSERT = lazy_pattern(r"/\{\{(?:[^}]|\}(?!\}))*\}\}(?:\?|$)")
"""Of a path: its last segment is one insert."""


def _ends_in_a_segment(render: Render) -> Render:
    """Refuse a path whose last insert is empty: it would name all records instead of one."""

    def rendered(root: Root) -> str:
        url = render(root)
        if url.partition("?")[0].endswith("/"):
            raise DataError("the last segment of the path is empty")
        return url

    return rendered


def _segment(text: str) -> str:
    return quote(text, safe="")
