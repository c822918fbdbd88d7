"""What the memory of an architecture can do. No call is made that llama.cpp answers with an assertion.

`cut`: the end of a sequence can be forgotten, so that a new prompt takes over what it shares with the last
one. deepseek4 keeps compressed layers that cannot go back, and garbles a quantised cache (llama.cpp #25382).
What is not in the table was not tried: it starts every prompt anew.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    cut: bool = False
    quantised_cache: bool = True


_ABILITIES = {
    "qwen2": Abilities(cut=True),
    "qwen3": Abilities(cut=True),
    "llama": Abilities(cut=True),
    "deepseek": Abilities(cut=True),
    "deepseek2": Abilities(cut=True),
    "deepseek4": Abilities(quantised_cache=False),
}


def abilities(architecture: str) -> Abilities:
    return _ABILITIES.get(architecture, Abilities())
