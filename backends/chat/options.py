"""What a conversation is answered with, where it differs from the settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """None, and "" for the model: as the settings and the model's publisher have it. `model`: the id of one on this
    computer. `instructions`: "" is none. In tokens: `thinking_budget` (0: no limit), `max_tokens` of an answer."""

    model: str = ""
    instructions: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    thinking_budget: int | None = None

    def to_json(self) -> str:
        """Only what differs."""
        plain = Options()
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        differing = {name: value for name, value in said.items() if value != getattr(plain, name)}
        return json.dumps(differing, ensure_ascii=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Options":
        """What is known of `said`; a field of another kind or an unknown one is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in said.items() if name in known and _suits(name, value)})


_TEXTS = {"model", "instructions"}
_COUNTS = {"top_k", "seed", "max_tokens", "thinking_budget"}


def _suits(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if name in _COUNTS else isinstance(value, int | float)
