"""Where each character of a scalar's value stands in the file: through quotes, escapes, folds and the indentation of blocks.

Needed only when something inside a value is wrong, so it is worked out then and not while loading.
"""

from __future__ import annotations

_ESCAPES = {"x": 2, "u": 4, "U": 8}


def align(text: str, value: str, style: str, start: int, end: int) -> list[int] | None:
    """Return for each character of ``value``, and for its end, an index into ``text``; None where they cannot be matched.

    ``start`` and ``end`` delimit the scalar in ``text``, quotes and block indicators included.
    """
    if style == "|":
        return _align_lines(text, value, start, end)
    if style == ">":
        start = text.find("\n", start, end) + 1 or end
    elif style:
        start, end = start + 1, end - 1
    places: list[int] = []
    position = start
    for character in value:
        step = _step(text, position, end, character, style)
        if step is None:
            return _places_or_none(places, value, position)
        place, position = step
        places.append(place)
    places.append(min(position, end))
    return places


def _align_lines(text: str, value: str, start: int, end: int) -> list[int]:
    """A literal block keeps its lines: each is the file's own, less the indentation."""
    places: list[int] = []
    position = text.find("\n", start, end) + 1 or end
    indent: int | None = None
    for line in value.splitlines(keepends=True):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        content = line.rstrip("\n")
        if indent is None and content:
            indent = len(text[position:stop].rstrip("\r")) - len(content)
        first = min(position + (indent or 0), stop)
        places += [min(first + offset, stop) for offset in range(len(line))]
        position = min(stop + 1, len(text))
    return [*places, places[-1] + 1 if places else position]


def _places_or_none(places: list[int], value: str, position: int) -> list[int] | None:
    """Accept a value whose only unmatched characters are its closing line breaks, which a block scalar may lack in the file."""
    rest = value[len(places) :]
    return [*places, *[position] * (len(rest) + 1)] if places and not rest.strip("\n") else None


def _step(text: str, position: int, end: int, character: str, style: str) -> tuple[int, int] | None:
    """Find one character of the value at or after ``position``: (where it stands, where to go on)."""
    while position < end:
        at = text[position]
        if style == '"' and at == "\\":
            after = _after_escape(text, position, end)
            if text[position + 1 : position + 2] != "\n":
                return position, after
            position = after
        elif at == character:
            return position, position + (2 if style == "'" and at == "'" else 1)
        elif at.isspace():
            if character == " " and at == "\n":
                return position, position + 1
            position += 1
        else:
            return None
    return None


def _after_escape(text: str, position: int, end: int) -> int:
    follows = text[position + 1 : position + 2]
    if follows != "\n":
        return position + 2 + _ESCAPES.get(follows, 0)
    position += 2
    while position < end and text[position] in " \t":
        position += 1
    return position
