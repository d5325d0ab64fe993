"""Hide the values of what is shown of a record: names of fields stay, so that its shape can be talked about."""

from __future__ import annotations

import json
import re
from typing import Any

HIDDEN = "•••"
OTHER = "other"
_CODE = re.compile(r"[A-Za-z_][\w.:/-]{0,63}|\d{1,4}", re.ASCII)
"""What may stand as a code where no value of a record may: an adapter may take its codes from where sentences stand."""


def plain_code(code: str) -> str:
    """Return a vendor's code where it looks like one, else ``other``."""
    return code if _CODE.fullmatch(code) else OTHER


def masked(value: Any) -> Any:
    """Return JSON with every text and number hidden; what is empty, true or false stays."""
    if isinstance(value, dict):
        return {name: masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value if value is None or value == "" or isinstance(value, bool) else HIDDEN


def masked_text(text: str | None) -> str | None:
    """Return a JSON text with its values hidden, any other text as hidden whole."""
    if not text:
        return text
    try:
        return json.dumps(masked(json.loads(text)), ensure_ascii=False)
    except ValueError:
        return HIDDEN


def masked_row(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a row with these of its texts hidden."""
    return row | {name: masked_text(row[name]) for name in names if name in row}
