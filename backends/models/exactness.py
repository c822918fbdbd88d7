"""What a quant costs in quality, in words: by its divergence (KLD) from the full model.

The borders follow llama.cpp's table of quants of an 8B model (Q6_K 0.006, Q4_K_M 0.028, Q3_K_M 0.084, Q2_K 0.33) and
what their users say of them.
"""

from backends.core.phrase import NOTHING, Phrase

_WORDS = (
    (0.002, Phrase("Its answers are as good as the full model's.", "回答质量与完整模型一致。")),
    (0.012, Phrase("Its answers are all but as good as the full model's.", "回答质量与完整模型几乎一致。")),
    (0.05, Phrase("Its answers are a little less exact than the full model's.", "回答比完整模型略欠精确。")),
    (0.12, Phrase("Its answers are noticeably less exact than the full model's.", "回答明显不如完整模型精确。")),
    (0.35, Phrase("Its answers are clearly weaker than the full model's.", "回答质量明显低于完整模型。")),
)
_WORST = Phrase("Its answers are much weaker than the full model's.", "回答质量远低于完整模型。")


def of_quant(divergence: float) -> Phrase:
    """What to expect of a quant with this KLD to f16."""
    return next((words for border, words in _WORDS if divergence <= border), _WORST)


def lost(before: float, after: float) -> Phrase:
    """What is lost by going from a quant of one KLD to another's; empty where nobody would notice."""
    return NOTHING if of_quant(after) == of_quant(before) or after <= before else of_quant(after)
