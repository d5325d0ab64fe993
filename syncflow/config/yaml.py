"""Read YAML: a file or its bytes in, a tree of nodes out, or diagnostics that say in plain words what is wrong and where."""

from __future__ import annotations

from pathlib import Path

from syncflow.config.diagnostics import Diagnostic, FileText, Span, did_you_mean
from syncflow.config.invisible import at_fault, in_tree
from syncflow.config.nodes import MappingNode
from syncflow.config.regular_files import read_regular
from syncflow.config.tree import ReadError, build_tree

MAX_BYTES = 10_000_000


def read_file(path: Path, *, name: str) -> tuple[MappingNode | None, FileText, list[Diagnostic]]:
    """Read a file whose top is a mapping; ``name`` is how messages call it."""
    try:
        content = read_regular(path, most=MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        file = FileText(name, "")
        return None, file, [_unreadable(file, path, error)]
    return read_text(content, name=name)


def _unreadable(file: FileText, path: Path, error: OSError | ValueError) -> Diagnostic:
    span = Span(file.name, 0, 0, 0, 0, file)
    if isinstance(error, IsADirectoryError):
        return Diagnostic("SF102", span, "this is a directory, a file is needed", hint=_file_in(path))
    if isinstance(error, FileNotFoundError):
        return Diagnostic("SF101", span, "there is no such file", suggestion=similar_file(path))
    return Diagnostic(
        "SF103", span, f"the file cannot be read: {(getattr(error, 'strerror', None) or 'this is no path').lower()}"
    )


def _file_in(directory: Path) -> str:
    routes = directory / "routes.yaml"
    return f"name the file in it: {routes}" if routes.exists() else ""


def similar_file(path: Path) -> str:
    """Return a file beside ``path``, or in the directory it probably meant, with a name like it; empty if there is none."""
    try:
        slashed = path.parent / path.name.replace("\\", "/")
        if "\\" in path.name and slashed.is_file():
            return str(slashed)
        found = did_you_mean(path.name, sorted(entry.name for entry in path.parent.iterdir() if entry.is_file()))
    except (OSError, ValueError):
        return ""
    return str(path.with_name(found)) if found else ""


def read_text(content: bytes | str, *, name: str) -> tuple[MappingNode | None, FileText, list[Diagnostic]]:
    """Read YAML text whose top is a mapping. Never raises for what the text holds."""
    file = FileText(name, "")
    try:
        file = FileText(name, _decode(content, file))
        tree, diagnostics = build_tree(file)
    except ReadError as refused:
        fault = refused.diagnostic
        unseen = at_fault(file, fault.span.line) if fault.code == "SF100" else None
        return None, file, [unseen or fault]
    return tree, file, [*diagnostics, *in_tree(file, tree)]


def _decode(content: bytes | str, file: FileText) -> str:
    if len(content) > MAX_BYTES:
        nowhere = Span(file.name, 0, 0, 0, 0, file)
        raise ReadError(
            Diagnostic(
                "SF105", nowhere, f"the file is larger than {MAX_BYTES // 10**6} MB", hint="split it into several files"
            )
        )
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(_not_utf8(content, error, file)) from error


def _not_utf8(content: bytes, error: UnicodeDecodeError, file: FileText) -> Diagnostic:
    before = content[: error.start]
    line, column = before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    quotable = FileText(file.name, content.decode("utf-8", "replace"))
    return Diagnostic(
        "SF104",
        Span(file.name, line, column, line, column + 1, quotable),
        f"the file is not UTF-8: byte {error.start} (0x{content[error.start]:02x}) does not belong there",
        hint="save the file with the encoding UTF-8",
    )
