"""What every model of a file shares: strict, frozen, closed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Unknown keys are errors, nothing is coerced but what a scalar's source text allows, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, populate_by_name=True, arbitrary_types_allowed=False)
