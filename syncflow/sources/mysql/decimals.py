"""Decimal numbers as the server keeps them: groups of nine digits in four bytes, fewer digits in fewer. Pure."""

from __future__ import annotations

from collections.abc import Callable

_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


def decimal_reader(precision: int, scale: int) -> Callable[[bytes, int], tuple[str, int]]:
    """Return how a decimal of these digits is read: its text, and where it ends."""
    whole, few_whole = divmod(precision - scale, 9)
    part, few_part = divmod(scale, 9)
    groups = [few_whole] if few_whole else []
    groups += [9] * whole
    point = len(groups)
    groups += [9] * part + ([few_part] if few_part else [])
    sizes = [_DIGIT_BYTES[digits] for digits in groups]
    size = sum(sizes)

    def take(body: bytes, at: int) -> tuple[str, int]:
        raw = body[at : at + size]
        is_negative = raw[0] < 0x80
        number = int.from_bytes(raw, "big") ^ (1 << (size * 8 - 1))
        if is_negative:
            number ^= (1 << (size * 8)) - 1
        written, here = [], size * 8
        for digits, bytes_ in zip(groups, sizes, strict=True):
            here -= bytes_ * 8
            written.append(f"{number >> here & ((1 << bytes_ * 8) - 1):0{digits}d}")
        before = "".join(written[:point]).lstrip("0") or "0"
        after = "".join(written[point:])
        return f"{'-' if is_negative else ''}{before}{'.' + after if after else ''}", at + size

    return take
