"""What may disappoint about a choice: said before, in both languages, and only where it holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.phrase import NOTHING
from backends.models import gguf, worth
from backends.models.advisor import Budget, Wish, advise, choice_for
from backends.models.catalog import Catalog, quant_in
from backends.models.machines import Figures
from backends.models.types import Choice
from tests.kit.damages import key, written
from tests.kit.ggufs import Shape, random_model
from tests.kit.headers import Kind

GIB = 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
LARGE = Budget.typical(64 * GIB, [48 * GIB], FIGURES)


def choice(model: str, quant: str = "Q4_K_M", context: int = 16384) -> Choice:
    found = CATALOG.find(model)
    return choice_for(found, LARGE, Wish(context), quant_in(found, quant))


def said(choice: Choice) -> str:
    return " ".join(warning.en for warning in choice.warnings)


def test_most_models_have_nothing_to_be_warned_of() -> None:
    for model in ("r1-0528-qwen3-8b", "r1-distill-qwen-7b", "r1-distill-qwen-32b"):
        assert choice(model).warnings == ()


def test_below_16k_of_context_thinking_may_be_cut() -> None:
    assert "8,192 tokens of context may cut its thinking short" in said(choice("r1-0528-qwen3-8b", context=8192))
    assert "thinking" not in said(choice("r1-0528-qwen3-8b", context=16384))
    assert "thinking" not in said(choice("coder-v2-lite-instruct", context=8192))  # it does not think


def test_files_from_before_latent_attention_have_a_large_cache() -> None:
    assert "takes 9 times the memory" in said(choice("v2-lite-chat"))
    model = CATALOG.find("v2-lite-chat")
    made_later = replace(model.shape, mla=True, kv_heads=1, key_length=576, value_length=512)
    assert "times the memory" not in said(choice_for(replace(model, shape=made_later), LARGE))


def test_the_header_tells_too(tmp_path: Path) -> None:
    new = gguf.check(random_model(tmp_path / "new.gguf", "deepseek2"))
    old = gguf.check(random_model(tmp_path / "old.gguf", "deepseek2", shape=Shape(mla=False)))
    assert "times the memory" not in said(choice_for(new, LARGE))
    assert "from before April 2025" in said(choice_for(old, LARGE))


@pytest.mark.parametrize(
    ("quant", "bits"),
    [("Q2_K", 2), ("IQ2_M", 2), ("IQ1_S", 1), ("TQ1_0", 1), ("UD-Q2_K_XL", 2), ("UD-IQ3_XXS", 3), ("Q4_K_M", 4),
     ("MXFP4_MOE", 4), ("Q8_0", 8), ("F16", 16), ("BF16", 16), ("F32", 32), ("", 16)],
)  # fmt: skip
def test_bits_by_the_name_of_a_quant(quant: str, bits: int) -> None:
    assert worth.bits(quant) == bits


def test_two_bits_are_few() -> None:
    assert "At 2 bits per weight" in said(choice("r1-distill-qwen-32b", "IQ2_M"))
    assert "bits per weight" not in said(choice("r1-distill-qwen-32b", "Q3_K_M"))
    assert "bits per weight" not in said(choice("v4-flash-0731", "UD-IQ3_XXS"))


def test_licences_that_limit_are_named() -> None:
    assert "Meta's Llama licence" in said(choice("r1-distill-llama-8b"))
    assert "Meta's Llama licence" in said(choice("r1-distill-llama-70b"))
    assert "DeepSeek's own licence" in said(choice("coder-v2-lite-instruct"))


@pytest.mark.parametrize(
    ("licence", "words"),
    [("cc-by-nc-4.0", "not allow commercial"), ("qwen-research", "not allow commercial"), ("llama3.1", "Meta's Llama"),
     ("deepseek", "DeepSeek's own"), ("mit", ""), ("apache-2.0", ""), ("", "")],
)  # fmt: skip
def test_the_licence_in_a_header_counts(tmp_path: Path, licence: str, words: str) -> None:
    base = random_model(tmp_path / "base.gguf", "qwen2")
    header = gguf.check(written(tmp_path / "m.gguf", base, key("general.license", licence, Kind.STRING)))
    warnings = [one for one in choice_for(header, LARGE).warnings if "licence" in one.en]
    assert [words in one.en for one in warnings] == ([True] if words else [])


def test_the_licence_in_a_header_may_be_nonsense(tmp_path: Path) -> None:
    base = random_model(tmp_path / "base.gguf", "qwen2")
    header = gguf.check(written(tmp_path / "m.gguf", base, key("general.license", 7)))
    assert "licence" not in said(choice_for(header, LARGE))


def test_older_models_are_said_to_be_so() -> None:
    assert "It is of June 2024" in said(choice("coder-v2-lite-instruct"))
    assert "newer models" not in said(choice("r1-distill-qwen-1.5b"))


def test_v4_reads_earlier_turns_again() -> None:
    assert "earlier turns" in said(choice("v4-flash-0731", "UD-IQ3_XXS"))


def test_a_cache_in_eight_bits_is_a_note_and_no_warning() -> None:
    found = choice_for(CATALOG.find("r1-0528-qwen3-8b"), Budget.typical(16 * GIB, [8 * GIB], FIGURES))
    assert (found.kv_type, found.warnings) == ("q8_0", ())
    assert "q8_0" in found.note.en
    assert "q8_0" in found.note.zh


def test_what_the_catalogue_knows_of_a_file_is_told_of_it(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "DeepSeek-Coder-V2-Lite-Instruct-Q8_0.gguf", "deepseek2"))
    unknown = choice_for(header, LARGE)
    known = choice_for(header, LARGE, known=CATALOG.find("coder-v2-lite-instruct"))
    assert (unknown.model.base_score, known.model.base_score) == (1.0, 50)
    assert known.file.divergence == CATALOG.quants["Q8_0"].divergence
    assert known.memory == unknown.memory  # the header counts
    assert "DeepSeek's own licence" in said(known)


def test_every_warning_is_in_both_languages() -> None:
    budgets = (LARGE, Budget.typical(8 * GIB, (), FIGURES), Budget.typical(128 * GIB, [24 * GIB], FIGURES))
    seen = 0
    for budget in budgets:
        advice = advise(CATALOG, budget, Wish(8192))
        for one in filter(None, (advice.pick, *advice.others)):
            for warning in (*one.warnings, *([one.note] if one.note != NOTHING else [])):
                seen += 1
                assert warning.en.endswith(".")
                assert warning.zh.endswith("。")
    assert seen > 20
