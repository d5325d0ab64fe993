"""JSON lines in another encoding than UTF-8: UTF-16, told or by its byte-order mark, or one that is told."""

from __future__ import annotations

from syncflow.events import Position, Raw
from syncflow.sources.encodings import Encoding
from syncflow.sources.lines import LineSplitter, Splitter
from syncflow.sources.text_lines import Found, TextLineSplitter


class EncodedLineSplitter:
    """Each line is an event, in UTF-8 from here on; blank ones are none."""

    def __init__(self, partition: str, *, encoding: Encoding, max_event: int, offset: int = 0, line: int = 0) -> None:
        self._partition = partition
        self._lines = TextLineSplitter(
            partition, encoding=encoding, newline="\n", max_event=max_event, offset=offset, line=line
        )
        self._notes = [f"its encoding is {encoding.name}"] if encoding.is_found else []

    @property
    def unfinished_bytes(self) -> int:
        return self._lines.unfinished_bytes

    @property
    def passed_offset(self) -> int:
        return self._lines.passed_offset

    def feed(self, block: bytes) -> list[Raw]:
        return self._raws(self._lines.feed(block))

    def finish(self) -> list[Raw]:
        return self._raws(self._lines.finish())

    def take_notes(self) -> list[str]:
        notes, self._notes = self._notes, []
        return notes

    def _raws(self, found: Found) -> list[Raw]:
        raws: list[Raw] = []
        for part in found:
            if isinstance(part, Raw):
                raws.append(part)
                continue
            for number, (text, end) in enumerate(zip(part.texts, part.ends, strict=True), part.number):
                body = text.removesuffix("\r")
                if body.strip():
                    raws.append(Raw(Position(self._partition, end, number), body.encode()))
        return raws


def line_splitter(
    partition: str, *, told: str | None, first: bytes, max_event: int, offset: int = 0, line: int = 0
) -> Splitter:
    """Return the splitter for JSON lines; ``first`` are the first bytes of all, ``told`` the encoding of the settings."""
    encoding = Encoding(told)
    encoding.look(first)
    if encoding.width == 1 and told in {None, "utf-8"}:
        return LineSplitter(partition, max_event=max_event, offset=offset, line=line)
    return EncodedLineSplitter(partition, encoding=encoding, max_event=max_event, offset=offset, line=line)
