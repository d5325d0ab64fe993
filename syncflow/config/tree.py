"""From YAML's events to a tree of nodes.

PyYAML's parser gives events; the tree is built here, without its resolver (YAML 1.1: NO is false, 012 is 10) and without its
constructor (which could make objects). Everything is bounded: depth, and what aliases blow up to.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from syncflow.config.diagnostics import Diagnostic, FileText, Replacement, Span, did_you_mean
from syncflow.config.nodes import Entry, MappingNode, Mark, Node, Point, ScalarNode, SequenceNode
from syncflow.config.scalars import Plain
from syncflow.config.syntax import explain_syntax_error

MAX_DEPTH = 100
MAX_NODES = 500_000

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ReadError(Exception):
    """Reading cannot go on: carries why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def build_tree(file: FileText) -> tuple[MappingNode, list[Diagnostic]]:
    """Return the tree of a text, and what is wrong in it without keeping it from being read.

    Raises:
        ReadError: reading cannot go on.
    """
    builder = _Builder(file)
    return builder.build(), builder.diagnostics


_TAKERS = {
    yaml.ScalarEvent: "_scalar",
    yaml.MappingStartEvent: "_start",
    yaml.SequenceStartEvent: "_start",
    yaml.MappingEndEvent: "_end",
    yaml.SequenceEndEvent: "_end",
    yaml.AliasEvent: "_alias",
    yaml.DocumentStartEvent: "_document",
}
"""Event of the parser → what takes it; all others tell nothing."""


class _Builder:
    """Builds the tree from the parser's events, with a stack of open collections instead of recursion."""

    def __init__(self, file: FileText) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self._anchors: dict[str, Node | None] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0

    def build(self) -> MappingNode:
        try:
            take = {kind: getattr(self, name) for kind, name in _TAKERS.items()}
            for event in yaml.parse(self.file.text, Loader=_FAST):
                if (taker := take.get(type(event))) is not None:
                    taker(event)
        except yaml.YAMLError as error:
            raise ReadError(explain_syntax_error(error, self.file)) from error
        root = self._root
        if root is None or (isinstance(root, ScalarNode) and root.value == ""):
            raise self._refuse(
                "SF106",
                Span(self.file.name, 1, 1, 1, 1, self.file),
                "the file is empty",
                hint="write at least one `key: value`",
            )
        if not isinstance(root, MappingNode):
            found = root.kind if isinstance(root, SequenceNode) else "text"
            raise self._refuse(
                "SF107", root.span, "the file must be a mapping", expected="a mapping (`key: value` lines)", found=found
            )
        return root

    def _refuse(self, code: str, span: Span, message: str, **words: str) -> ReadError:
        return ReadError(Diagnostic(code, span, message, **words))  # type: ignore[arg-type]  # words are texts only

    def _span(self, event: Any) -> Span:
        return ScalarNode(self.file, None, "", event.start_mark, event.end_mark).span

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._refuse(
                "SF108",
                self._span(event),
                "a second document begins here",
                expected="one document in a file",
                hint="remove the `---`, or move what follows into a file of its own",
            )

    def _scalar(self, event: Any) -> None:
        style, value = event.style or "", event.value
        if event.tag is not None:
            self._check_tag(event)
            value = value or ("" if style else self._written_tag(event))
        node = ScalarNode(self.file, value if style else Plain(value), style, event.start_mark, event.end_mark)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._put(node)

    def _written_tag(self, event: Any) -> str:
        """Return the text of a tag that has no value behind it: a rule such as ``!item.vip``, which only lacks its quotes."""
        if not event.tag.startswith("!"):
            return ""
        return str(self.file.text[event.start_mark.index : event.end_mark.index]).strip()

    def _check_tag(self, event: Any) -> None:
        short = event.tag.replace("tag:yaml.org,2002:", "!!")
        span = self._span(event)
        written = self.file.text[event.start_mark.index : event.end_mark.index].split("\n")[0].rstrip()
        is_rule = re.match(r"!\s*[\w(]", written) is not None
        self.diagnostics.append(
            Diagnostic(
                "SF113",
                span,
                f"the tag `{short}` has no meaning here",
                hint="put a rule that begins with ! in quotes"
                if is_rule
                else "remove it; put text in quotes where it must stay text",
                replaced=Replacement(span, f'"{written}"') if is_rule and '"' not in written else None,
            )
        )

    def _start(self, event: Any) -> None:
        if event.tag is not None:
            self._check_tag(event)
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse("SF110", self._span(event), f"the file is nested more than {MAX_DEPTH} deep")
        start = event.start_mark
        node: MappingNode | SequenceNode
        node = (
            MappingNode(self.file, start, start)
            if isinstance(event, yaml.MappingStartEvent)
            else SequenceNode(self.file, start, start)
        )
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor, flow=bool(event.flow_style)))

    def _end(self, event: Any) -> None:
        closed = self._open.pop()
        node = closed.node
        node.end = event.end_mark if closed.flow else self._end_of_line(node.start)
        if isinstance(node, MappingNode):
            self._merge_key(node, closed.merged)
        if closed.anchor:
            self._anchors[closed.anchor] = node
        self._put(node)

    def _end_of_line(self, start: Mark) -> Mark:
        """A block collection ends where the next thing starts: of no use to a reader, so its first line stands for it."""
        stop = self.file.text.find("\n", start.index)
        stop = len(self.file.text) if stop < 0 else stop
        return Point(stop, start.line, start.column + stop - start.index)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise self._refuse(
                "SF111",
                self._span(event),
                f"nothing is named `&{event.anchor}` before this",
                suggestion=_starred(event.anchor, self._anchors),
                hint="text that begins with * must be in quotes",
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise self._refuse(
                "SF111", self._span(event), f"`*{event.anchor}` stands inside what it names, so it would never end"
            )
        self._put(node)

    def _put(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        within = parent.node
        within.weight += node.weight
        if within.weight > MAX_NODES:
            raise self._refuse(
                "SF112", node.span, f"with its aliases followed, the file has more than {MAX_NODES:,} values"
            )
        if isinstance(within, SequenceNode):
            within.items.append(node)
        elif parent.key is None:
            parent.key = self._as_key(node)
        else:
            self._add_entry(parent, parent.key, node)
            parent.key = None

    def _as_key(self, node: Node) -> ScalarNode:
        if isinstance(node, ScalarNode) and (node.value != "" or node.style):
            return node
        if isinstance(node, ScalarNode):
            raise self._refuse("SF109", node.span, "a key is missing before the colon")
        raise self._refuse(
            "SF109",
            node.span,
            f"{node.kind} cannot be a key",
            expected="text",
            hint="put a template such as {{ x }} in quotes: YAML reads braces as a mapping",
        )

    def _add_entry(self, parent: _Open, key: ScalarNode, value: Node) -> None:
        entries = parent.node.entries  # type: ignore[union-attr]  # only mappings have keys
        name = str(key.value)
        if name == "<<" and not key.style:
            parent.merged.append((key, value))
        elif name in entries:
            first = entries[name].key.span
            self.diagnostics.append(
                Diagnostic(
                    "SF114",
                    key.span,
                    f"the key `{name}` stands here twice",
                    found=f"the first one in line {first.line}, column {first.column}",
                    hint="keep one of the two",
                )
            )
        else:
            entries[name] = Entry(key, value)

    def _merge_key(self, node: MappingNode, merged: list[tuple[ScalarNode, Node]]) -> None:
        for key, value in merged:
            sources = value.items if isinstance(value, SequenceNode) else [value]
            for source in sources:
                if not isinstance(source, MappingNode):
                    self.diagnostics.append(
                        Diagnostic(
                            "SF115",
                            key.span,
                            "`<<` takes in the keys of a mapping",
                            expected="an alias of a mapping (<<: *name), or a list of such",
                            found=source.kind,
                        )
                    )
                    continue
                for name, entry in source.entries.items():
                    node.entries.setdefault(name, entry)


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("anchor", "flow", "key", "merged", "node")

    def __init__(self, node: MappingNode | SequenceNode, anchor: str | None, *, flow: bool) -> None:
        self.node = node
        self.anchor = anchor
        self.flow = flow
        self.key: ScalarNode | None = None
        self.merged: list[tuple[ScalarNode, Node]] = []


def _starred(name: str, anchors: dict[str, Node | None]) -> str:
    found = did_you_mean(name, anchors)
    return f"*{found}" if found else ""
