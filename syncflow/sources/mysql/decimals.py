"""Decimal numbers as the server keeps them: groups of nine digits in four bytes, fewer digits in fewer. Pure."""

from __future__ import annotations

from collections.abc import Callable

_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


def decimal_reader(precision: int, scale: int) -> Callable[[bytes, int], tuple[str, int]]:
    """Return how a decimal of these digits is read: its text, and where it ends."""
    whole, few_whole = divmod(precision - scale, 9)
    part, few_part = divmod(scale, 9)
    digits = [*([few_whole] if few_whole else []), *[9] * (whole + part), *([few_part] if few_part else [])]
    sizes = [_DIGIT_BYTES[count] * 8 for count in digits]
    bits = sum(sizes)
    groups = [(bits - sum(sizes[: n + 1]), (1 << size) - 1, 10 ** digits[n]) for n, size in enumerate(sizes)]
    size, sign, ones, width = bits // 8, 1 << (bits - 1), (1 << bits) - 1, scale + 1

    def take(body: bytes, at: int) -> tuple[str, int]:
        end = at + size
        stored = int.from_bytes(body[at:end], "big") ^ sign
        is_negative = stored & sign
        if is_negative:
            stored ^= ones
        number = 0
        for shift, mask, factor in groups:
            number = number * factor + (stored >> shift & mask)
        text = str(number) if not scale else f"{number:0{width}}"
        if scale:
            text = f"{text[:-scale]}.{text[-scale:]}"
        return (f"-{text}" if is_negative else text), end

    return take
