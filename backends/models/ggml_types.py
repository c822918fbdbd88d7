"""The number formats of ggml: how many values a block holds and how many bytes it takes.

From `ggml.h` of the llama.cpp in llama-cpp-python 0.3.36. A type that this engine does not know cannot be
loaded by it; those of other programs are named, so that the person learns why.
"""

from dataclasses import dataclass

from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    values: int
    size: int  # bytes


GGML_TYPES = {
    0: Block("F32", 1, 4),
    1: Block("F16", 1, 2),
    2: Block("Q4_0", 32, 18),
    3: Block("Q4_1", 32, 20),
    6: Block("Q5_0", 32, 22),
    7: Block("Q5_1", 32, 24),
    8: Block("Q8_0", 32, 34),
    10: Block("Q2_K", 256, 84),
    11: Block("Q3_K", 256, 110),
    12: Block("Q4_K", 256, 144),
    13: Block("Q5_K", 256, 176),
    14: Block("Q6_K", 256, 210),
    16: Block("IQ2_XXS", 256, 66),
    17: Block("IQ2_XS", 256, 74),
    18: Block("IQ3_XXS", 256, 98),
    19: Block("IQ1_S", 256, 50),
    20: Block("IQ4_NL", 32, 18),
    21: Block("IQ3_S", 256, 110),
    22: Block("IQ2_S", 256, 82),
    23: Block("IQ4_XS", 256, 136),
    26: Block("I32", 1, 4),
    29: Block("IQ1_M", 256, 56),
    30: Block("BF16", 1, 2),
    34: Block("TQ1_0", 256, 54),
    35: Block("TQ2_0", 256, 66),
    39: Block("MXFP4", 32, 17),
    40: Block("NVFP4", 64, 36),
    41: Block("Q1_0", 128, 18),
    42: Block("Q2_0", 64, 18),
}
"""Formats that weights are stored in. Q8_1 and Q8_K are for intermediate results, the other integers and F64 are
never used for weights: a file that has them is not a model."""

_WITHDRAWN = {4, 5, 31, 32, 33, 36, 37, 38}
_IK_LLAMA = range(97, 420)


def foreign_type(number: int) -> Phrase | None:
    """What to say about a type that is not ours but known: ik_llama.cpp's, or one that llama.cpp withdrew."""
    if number in _IK_LLAMA:
        return Phrase(
            f"its number format {number} is one of ik_llama.cpp, which only that program reads",
            f"其数值格式 {number} 属于 ik_llama.cpp，只有该程序能读取",
        )
    if number in _WITHDRAWN:
        return Phrase(
            f"its number format {number} was withdrawn from llama.cpp long ago",
            f"其数值格式 {number} 早已从 llama.cpp 中移除",
        )
    return None
