"""Expand ``${VAR}``, ``${VAR:-default}`` and ``${file:/run/secrets/x}`` in the values of a tree; ``$${`` writes ``${``.

In: a tree of nodes and an environment. Out: a tree whose changed scalars know which variables they came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncflow.config.diagnostics import Diagnostic, Replacement, Span, did_you_mean
from syncflow.config.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from syncflow.config.regular_files import read_regular
from syncflow.config.replacements import rewritten_part
from syncflow.config.scalars import Plain, Unset
from syncflow.patterns import lazy_pattern

_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_FILE_BYTES = 64_000
_MAX_NESTING = 5


class _ReferenceError(Exception):
    """A reference cannot be resolved: says why, and where in the value."""

    def __init__(
        self,
        message: str,
        *,
        offset: int,
        length: int,
        suggestion: str = "",
        hint: str = "",
        code: str = "SF121",
        words: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.suggestion = suggestion
        self.hint = hint
        self.code = code
        self.words = words


@dataclass
class Expansion:
    """One expansion of one tree. ``offline``: what is missing becomes a placeholder that every kind of value accepts."""

    environment: Mapping[str, str]
    directory: Path
    offline: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    changed: list[ScalarNode] = field(default_factory=list)
    """The scalars that held a reference."""
    _done: dict[int, Node] = field(default_factory=dict)

    def expand(self, node: Node) -> Node:
        """Return the tree with its references replaced; untouched parts are the same nodes."""
        known = self._done.get(id(node))
        if known is None:
            known = self._done[id(node)] = self._expand(node)
        return known

    def _expand(self, node: Node) -> Node:
        if isinstance(node, ScalarNode):
            return self._scalar(node) if isinstance(node.value, str) and "${" in node.value else node
        if isinstance(node, MappingNode):
            entries = {name: Entry(entry.key, self.expand(entry.value)) for name, entry in node.entries.items()}
            same = all(entries[name].value is entry.value for name, entry in node.entries.items())
            return node if same else MappingNode(node.file, node.start, node.end, entries)
        if isinstance(node, SequenceNode):
            items = [self.expand(item) for item in node.items]
            same = all(new is old for new, old in zip(items, node.items, strict=True))
            return node if same else SequenceNode(node.file, node.start, node.end, items)
        return node

    def _scalar(self, node: ScalarNode) -> ScalarNode:
        text = _Text(str(node.value), self.environment, self.directory, offline=self.offline)
        try:
            value = text.expand()
        except _ReferenceError as missing:
            self.diagnostics.append(
                Diagnostic(
                    missing.code,
                    node.span.at(missing.offset, missing.length),
                    missing.message,
                    suggestion=missing.suggestion,
                    hint=missing.hint,
                    replaced=_instead(node.span, missing),
                )
            )
            value = Unset(node.value)
        expanded = ScalarNode(node.file, value, node.style, node.start, node.end, text.used)
        self.changed.append(expanded)
        return expanded


def _instead(span: Span, missing: _ReferenceError) -> Replacement | None:
    if missing.words is not None:
        return rewritten_part(span, missing.offset, missing.length, missing.words)
    if missing.suggestion:
        return rewritten_part(span, missing.offset, missing.length, f"${{{missing.suggestion}}}")
    return None


class _Text:
    """One value while its references are replaced."""

    def __init__(self, text: str, environment: Mapping[str, str], directory: Path, *, offline: bool) -> None:
        self.text = text
        self.environment = environment
        self.directory = directory
        self.offline = offline
        self.used: dict[str, str] = {}
        self._unset = False

    def expand(self) -> str:
        """Return the value: Plain where it is wholly one reference, Unset where offline leaves it open."""
        parts = self._parts(self.text, 0, 0)
        if self._unset:
            return Unset(self.text)
        whole = len(parts) == 1 and self.text.startswith("${")
        return Plain(parts[0]) if whole and self.used else "".join(parts)

    def _parts(self, text: str, base: int, nesting: int) -> list[str]:
        parts: list[str] = []
        position = 0
        while (found := text.find("${", position)) >= 0:
            if found > position:
                parts.append(text[position:found])
            if found and text[found - 1] == "$":
                parts[-1] = parts[-1][:-1]
                parts.append("${")
                position = found + 2
                continue
            end = _closing(text, found)
            if end < 0:
                raise _ReferenceError(
                    "`${` is not closed",
                    offset=base + found,
                    length=2,
                    hint="write ${NAME}, or $${ for the characters themselves",
                    code="SF122",
                )
            parts.append(self._reference(text[found + 2 : end], base + found, nesting))
            position = end + 1
        if position < len(text):
            parts.append(text[position:])
        return parts

    def _reference(self, inside: str, offset: int, nesting: int) -> str:
        name, has_default, default = inside.partition(":-")
        length = len(inside) + 3
        if name.startswith("file:"):
            found = self._file(name.removeprefix("file:"), offset, length, required=not has_default)
        elif _NAME.match(name):
            found = self.environment.get(name)
        else:
            is_path = re.fullmatch(r"(?:item|record|operation|timestamp)(?:\.\w+)*", name) is not None
            path = name if length == len(self.text) else f"{{{{ {name} }}}}"
            raise _ReferenceError(
                f"`{name}` is not the name of a variable",
                offset=offset,
                length=length,
                hint=f"write {path}: ${{…}} stands for variables of the environment"
                if is_path
                else "write ${NAME}, ${NAME:-default} or ${file:/path}; $${ for the characters themselves",
                code="SF122",
                words=path if is_path else None,
            )
        if found is None or (not found and has_default):
            found = self._default(default, offset + 2 + len(name) + 2, nesting) if has_default else None
        self.used[name] = found or ""
        if found is not None:
            return found
        if self.offline:
            self._unset = True
            return ""
        raise _ReferenceError(
            f"the variable {name} is not set",
            offset=offset,
            length=length,
            suggestion=did_you_mean(name, [known for known in self.environment if known.isupper()])
            if len(name) > 3
            else "",
            hint=f"set {name} in the environment, or give a default: ${{{name}:-…}}",
        )

    def _default(self, text: str, base: int, nesting: int) -> str:
        if nesting >= _MAX_NESTING:
            raise _ReferenceError(
                "defaults stand inside defaults too often", offset=base, length=len(text), code="SF122"
            )
        return "".join(self._parts(text, base, nesting + 1))

    def _file(self, name: str, offset: int, length: int, *, required: bool) -> str | None:
        if self.offline:
            return None
        path = self.directory / name
        try:
            content = read_regular(path, most=_MAX_FILE_BYTES + 1)
            if len(content) > _MAX_FILE_BYTES:
                raise _ReferenceError(
                    f"the file {name} is larger than {_MAX_FILE_BYTES // 1000} kB",
                    offset=offset,
                    length=length,
                    code="SF123",
                )
            return content.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise _ReferenceError(
                f"the file {name} is not UTF-8", offset=offset, length=length, code="SF123"
            ) from error
        except (OSError, ValueError) as error:
            if not required and isinstance(error, FileNotFoundError):
                return None
            why = getattr(error, "strerror", None) or "not a usable path"
            raise _ReferenceError(
                f"the file {name} cannot be read: {why.lower()}", offset=offset, length=length, code="SF123"
            ) from error


def _closing(text: str, start: int) -> int:
    """Return where the ``${`` at ``start`` is closed, minding references inside its default; -1 if nowhere."""
    depth = 0
    position = start
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 2
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
            position += 1
        else:
            position += 1
    return -1
