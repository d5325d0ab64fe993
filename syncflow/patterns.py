"""Patterns that are compiled at their first question.

A command imports a hundred patterns and asks a few of them; to compile one takes longer than to ask it a thousand times.
"""

from __future__ import annotations

import re
from typing import Any, cast


def lazy_pattern(text: str, flags: re.RegexFlag = re.RegexFlag.NOFLAG) -> re.Pattern[str]:
    """Return what ``re.compile`` would, at once and not yet compiled: a wrong pattern fails when it is first asked."""
    return cast("re.Pattern[str]", _Lazy(text, flags))


class _Lazy:
    def __init__(self, text: str, flags: re.RegexFlag) -> None:
        self._given = (text, flags)

    def __getattr__(self, name: str) -> Any:
        part = getattr(re.compile(*self._given), name)
        setattr(self, name, part)  # from now on it is found without coming here
        return part
