"""What the names of GGUF files say."""

import pytest

from backends.models.quants import part_of, quant_of, stem_of


@pytest.mark.parametrize(
    ("name", "quant"),
    [
        ("DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf", "Q4_K_M"),
        ("deepseek-ai_DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("DeepSeek-R1.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("deepseek-r1.q8_0.gguf", "Q8_0"),
        ("UD-IQ1_M/DeepSeek-V4-Flash-UD-IQ1_M-00001-of-00003.gguf", "UD-IQ1_M"),
        ("V3-Q2_K_XS.gguf", "Q2_K_XS"),
        ("V3-Q2_K.gguf", "Q2_K"),
        ("V4-MXFP4_MOE.gguf", "MXFP4_MOE"),
        ("R1-0528-TQ1_0.gguf", "TQ1_0"),
        ("R1-bf16.gguf", "BF16"),
        ("Q6_K/model.gguf", "Q6_K"),
        ("Q2_K/model-Q6_K.gguf", "Q6_K"),
        ("model.gguf", ""),
        ("F16x-model.gguf", ""),
    ],
)
def test_the_quant_in_a_name(name, quant):
    assert quant_of(name) == quant


def test_the_parts_of_a_split_know_each_other():
    part = part_of("Q8_0/R1-Q8_0-00002-of-00015.gguf")
    assert part is not None
    assert (part.number, part.count, part.name(15)) == (2, 15, "Q8_0/R1-Q8_0-00015-of-00015.gguf")
    assert part_of("R1-Q8_0.gguf") is None


def test_the_stem_is_what_a_person_would_call_the_file():
    assert stem_of("Q8_0/R1-Q8_0-00002-of-00015.gguf") == stem_of("R1-Q8_0.GGUF") == "R1-Q8_0"
