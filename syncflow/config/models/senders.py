"""Known senders of webhooks: settings of their own that ``preset: NAME`` stands for, read from ``senders.yaml``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml
from pydantic import model_validator

from syncflow.config.models.base import Model

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # read at each start: the one in C takes a tenth of the time
_SENDERS: Final[dict[str, dict[str, dict[str, Any]]]] = yaml.load(
    Path(__file__).with_name("senders.yaml").read_text(encoding="utf-8"),
    Loader=_LOADER,  # noqa: S506  # both are safe loaders
)


def presets_of(kind: str) -> dict[str, dict[str, Any]]:
    """Return the settings of known senders by name, ``signatures`` or ``handshakes``."""
    return _SENDERS[kind]


class WithPreset(Model):
    """Settings with a key ``preset``; keys written beside it win over the preset's."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]]
    """The settings that each preset stands for."""

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("preset"), str):
            return {**cls.presets.get(given["preset"], {}), **given}
        return given
