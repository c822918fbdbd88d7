"""What the memory of an architecture can do. No call is made that llama.cpp answers with an assertion.

`cut`: the end of a sequence can be forgotten, so that a new prompt takes over what it shares with the last
one. `share`: a sequence may begin in the cells of another. `states`: what a sequence holds can be copied out, and put
back into another context made alike. deepseek4 keeps a cache for each sequence, with compressed
layers that cannot go back, and garbles a quantised one (llama.cpp #25382).
What is not in the table was not tried: it starts every prompt anew.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    cut: bool = False
    share: bool = False
    states: bool = False
    quantised_cache: bool = True


_ABILITIES = {
    "qwen2": Abilities(cut=True, share=True, states=True),
    "qwen3": Abilities(cut=True, share=True, states=True),
    "llama": Abilities(cut=True, share=True, states=True),
    "deepseek": Abilities(cut=True, share=True, states=True),
    "deepseek2": Abilities(cut=True, share=True, states=True),
    "deepseek32": Abilities(cut=True, share=True, states=True),
    "deepseek4": Abilities(states=True, quantised_cache=False),
}


def abilities(architecture: str) -> Abilities:
    return _ABILITIES.get(architecture, Abilities())
