"""The advisor: the table of sample machines, the words it says, and machines that are out of the ordinary."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.paths import resource
from backends.core.phrase import NOTHING
from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory
from backends.models import gguf
from backends.models.advisor import Budget, Wish, advise, choice_for
from backends.models.catalog import Catalog, quant_in
from backends.models.types import Advice, Choice
from tests.kit.ggufs import random_model

GIB = 1 << 30
CATALOG = Catalog.load()


def typical(ram: float, *vram: float) -> Budget:
    return Budget.typical(round(ram * GIB), [round(size * GIB) for size in vram])


def mac(memory: float) -> Budget:
    return Budget.typical_unified(round(memory * GIB))


def pick(advice: Advice) -> Choice:
    assert advice.pick is not None
    return advice.pick


# ---- the table: a machine, the context wished for, and what it is to be offered

THREE_OR_FOUR, FOUR, FOUR_OR_FIVE = {"Q3_K_M", "IQ4_XS"}, {"Q4_K_M", "IQ4_XS"}, {"Q4_K_M", "Q5_K_M"}
FIVE_OR_SIX = {"Q5_K_M", "Q6_K"}
TABLE = [
    ("8 GB, no GPU", [typical(8)], (16384,), "r1-distill-qwen-1.5b", {"Q8_0"}),
    ("16 GB, no GPU", [typical(16)], (16384, 8192), "r1-0528-qwen3-8b", {"Q4_K_M"}),
    ("6 GB card", [typical(ram, 6) for ram in (8, 16, 32, 64)], (16384, 8192), "r1-distill-qwen-7b", THREE_OR_FOUR),
    ("8 GB card", [typical(ram, 8) for ram in (8, 16, 32, 64)], (16384, 8192), "r1-0528-qwen3-8b", FOUR_OR_FIVE),
    ("12 GB card", [typical(ram, 12) for ram in (16, 32, 64)], (16384, 8192), "r1-distill-qwen-14b", FOUR),
    ("16 GB card", [typical(ram, 16) for ram in (16, 32, 64)], (16384, 8192), "r1-distill-qwen-14b", FIVE_OR_SIX),
    ("16 GB card, long", [typical(32, 16)], (32768,), "r1-distill-qwen-14b", {"Q4_K_M", "Q5_K_M", "Q6_K"}),
    ("24 GB card", [typical(ram, 24) for ram in (16, 32, 64)], (16384, 8192), "r1-distill-qwen-32b", {"Q4_K_M"}),
    ("24 GB card, long", [typical(ram, 24) for ram in (16, 32, 64)], (32768,), "r1-distill-qwen-32b", {"IQ4_XS"}),
    ("32 GB card", [typical(ram, 32) for ram in (16, 32, 64)], (16384, 32768), "r1-distill-qwen-32b", FOUR_OR_FIVE),
    ("48 GB card", [typical(ram, 48) for ram in (16, 32)], (16384, 32768), "r1-distill-qwen-32b", {"Q8_0"}),
    ("Mac, 32 or 36 GB", [mac(32), mac(36)], (16384, 8192), "r1-distill-qwen-32b", FOUR),
    ("128 GB shared", [mac(128)], (16384,), "v4-flash-0731", {"UD-IQ3_XXS"}),
    ("96 to 128 GB and a card", [typical(96, 24), typical(128, 24)], (16384,), "v4-flash-0731", {"UD-IQ3_XXS"}),
    ("192 GB and more", [mac(192), mac(256), typical(192), typical(256), typical(192, 24)], (16384,), "v4-flash-0731",
     {"UD-Q8_K_XL"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("budgets", "contexts", "model", "quants"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table_of_sample_machines(
    budgets: list[Budget], contexts: tuple[int, ...], model: str, quants: set[str]
) -> None:
    for budget in budgets:
        for context in contexts:
            found = pick(advise(CATALOG, budget, Wish(context)))
            assert (found.model.id, found.file.quant in quants) == (model, True), f"{found.model.id} {found.file.quant}"
            assert found.context >= 8192


@pytest.mark.parametrize(
    ("budget", "model"),
    [
        (typical(16, 8), "r1-0528-qwen3-8b"),
        (typical(32, 24), "r1-distill-qwen-32b"),
        (typical(8), "r1-distill-qwen-1.5b"),
    ],
)
def test_the_three_machines_of_the_manual(budget: Budget, model: str) -> None:
    advice = advise(CATALOG, budget)
    assert pick(advice).model.id == model
    assert pick(advice).context == 16384
    assert pick(advice).verdict == "fits"


# ---- what an answer holds


@pytest.mark.parametrize(
    "budget", [typical(8), typical(16, 8), typical(32, 24, 8), typical(128, 24), mac(36), mac(128)]
)
def test_a_pick_fits_where_it_is_put(budget: Budget) -> None:
    for choice in (pick(advise(CATALOG, budget)), *advise(CATALOG, budget).others):
        if choice.verdict == "too_large":
            continue
        memory = choice.memory
        assert len(memory.per_gpu) in (0, len(budget.gpus))
        assert all(used <= gpu.usable for used, gpu in zip(memory.per_gpu, budget.gpus, strict=False))
        assert memory.host + (sum(memory.per_gpu) if budget.unified else 0) <= budget.host.usable
        assert memory.total == memory.host + sum(memory.per_gpu)
        assert choice.tokens_per_s > 0
        assert choice.seconds_to_answer > 0
        assert 0 <= choice.gpu_layers <= choice.model.shape.layers + 1
        assert (choice.gpu_layers > 0) == bool(sum(memory.per_gpu))


def test_every_model_is_answered_once_best_first() -> None:
    advice = advise(CATALOG, typical(32, 24))
    choices = [pick(advice), *advice.others]
    assert sorted(choice.model.id for choice in choices) == sorted(model.id for model in CATALOG.of_kind("chat"))
    assert [choice.score for choice in choices] == sorted((choice.score for choice in choices), reverse=True)


def test_the_same_machine_gets_the_same_answer() -> None:
    assert advise(CATALOG, typical(32, 24)) == advise(Catalog.load(), typical(32, 24))


def test_the_reason_has_the_figures() -> None:
    advice = advise(CATALOG, typical(16, 8))
    assert advice.reason.en == (
        "DeepSeek R1-0528 Qwen3 8B in Q4_K_M is the best model that runs well here for chat: it takes 6.1 GiB of "
        "8.0 GiB of graphics memory, with room for 16,384 tokens of conversation, at about 37 tokens per second."
    )
    assert "Q4_K_M" in advice.reason.zh
    assert "6.1 GiB" in advice.reason.zh
    assert "16,384" in advice.reason.zh


def test_verdicts() -> None:
    by_id = {choice.model.id: choice for choice in advise(CATALOG, typical(32, 12)).others}
    assert by_id["r1-0528-qwen3-8b"].verdict == "fits"
    assert by_id["r1-0528-qwen3-8b"].note == NOTHING
    assert by_id["r1-distill-qwen-32b"].verdict == "partial"
    assert "stay in main memory" in by_id["r1-distill-qwen-32b"].note.en
    assert by_id["v4-flash-0731"].verdict == "too_large"
    assert "needs 97.4 GiB" in by_id["v4-flash-0731"].note.en
    assert pick(advise(CATALOG, typical(32, 12))).verdict == "tight"


def test_a_partial_choice_says_what_it_would_take() -> None:
    choice = next(one for one in advise(CATALOG, typical(64, 16)).others if one.model.id == "r1-distill-qwen-32b")
    needed = float(choice.note.en.split("with ")[1].split(" GiB")[0])
    assert needed > 16
    enough = choice_for(choice.model, typical(64, needed), Wish(choice.context), choice.file)
    assert enough.verdict == "tight"
    assert choice_for(choice.model, typical(64, needed - 0.5), Wish(choice.context), choice.file).verdict == "partial"


def test_experts_stay_in_main_memory_before_layers_do() -> None:
    choice = pick(advise(CATALOG, typical(128, 24)))
    assert choice.gpu_layers == 44
    assert 0 < choice.expert_layers_on_cpu < 43
    assert choice.verdict == "partial"
    assert "experts" in choice.note.en


def test_a_shorter_context_is_said() -> None:
    choice = choice_for(CATALOG.find("r1-distill-qwen-32b"), typical(8, 24), Wish(131072))
    assert choice.context < 131072
    assert f"{choice.context:,}" in choice.note.en


def test_a_wish_beyond_the_model_is_cut_to_it() -> None:
    assert choice_for(CATALOG.find("r1-distill-qwen-1.5b"), typical(64, 24), Wish(1_000_000)).context == 131072


def test_a_small_wish_is_granted() -> None:
    assert pick(advise(CATALOG, typical(16, 8), Wish(4096))).context == 4096


def test_v4_never_gets_a_quantised_cache() -> None:
    for budget in (typical(96, 24), typical(128, 24), mac(128)):
        assert choice_for(CATALOG.find("v4-flash-0731"), budget).kv_type == "f16"


def test_a_least_speed_is_kept() -> None:
    slow, quick = advise(CATALOG, typical(16)), advise(CATALOG, typical(16), Wish(min_speed=10))
    assert pick(slow).tokens_per_s < 10 <= pick(quick).tokens_per_s


def test_no_model_is_as_fast_as_that() -> None:
    advice = advise(CATALOG, typical(16), Wish(min_speed=500))
    assert advice.pick is None
    assert advice.reason.en.startswith("No model reaches 500 tokens per second here; the fastest is DeepSeek")
    assert len(advice.others) == len(CATALOG.of_kind("chat"))


# ---- out of the ordinary


def test_four_gigabytes_are_enough_for_the_smallest() -> None:
    assert pick(advise(CATALOG, typical(4))).model.id == "r1-distill-qwen-1.5b"


@pytest.mark.parametrize("budget", [typical(2), typical(0), typical(1, 1)])
def test_where_nothing_fits_it_is_said(budget: Budget) -> None:
    advice = advise(CATALOG, budget)
    assert advice.pick is None
    assert "No DeepSeek model fits" in advice.reason.en
    assert advice.reason.zh.endswith("。")
    assert {choice.verdict for choice in advice.others} == {"too_large"}


def test_a_terabyte() -> None:
    assert pick(advise(CATALOG, typical(1024))).file.quant == "UD-Q8_K_XL"
    assert pick(advise(CATALOG, typical(1024, 80, 80, 80))).verdict == "fits"


def test_unequal_cards_are_both_used() -> None:
    one, two = pick(advise(CATALOG, typical(32, 24))), pick(advise(CATALOG, typical(32, 24, 8)))
    assert two.score > one.score
    large, small = two.memory.per_gpu
    assert large / small == pytest.approx(3, rel=0.2)


def test_a_tiny_card_does_no_harm() -> None:
    assert pick(advise(CATALOG, typical(16, 1))).model.id == pick(advise(CATALOG, typical(16))).model.id


def test_what_is_free_counts_not_what_is_there() -> None:
    def with_free(free: float) -> Choice:
        card = Gpu("NVIDIA GeForce RTX 4090", "nvidia", 24 * GIB, round(free * GIB))
        memory = Memory(32 * GIB, 24 * GIB)
        machine = Machine(Cpu("", 8, 16, (), "x86_64"), memory, Disk("", 0, 0), (card,), "Linux")
        return pick(advise(CATALOG, Budget.from_machine(machine)))

    assert with_free(23.5).model.id == "r1-distill-qwen-32b"
    assert with_free(12).model.id == "r1-distill-qwen-14b"


# ---- one model


def test_a_model_in_a_given_quant() -> None:
    model = CATALOG.find("r1-distill-qwen-7b")
    chosen = choice_for(model, typical(16, 8), file=quant_in(model, "Q8_0"))
    assert chosen.file.quant == "Q8_0"
    assert chosen.verdict == "partial"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "Mine-Q8_0.gguf", "deepseek2", name="Mine"))
    choice = choice_for(header, typical(16, 8))
    assert (choice.model.name, choice.file.quant, choice.verdict) == ("Mine", "Q8_0", "fits")
    assert choice.gpu_layers == 3
    assert choice.context == 4096  # what it was trained for
    assert choice.memory.weights == sum(tensor.size for tensor in header.tensors)
    assert choice.model.reasoning


def test_what_does_not_fit_gets_its_most_frugal_way() -> None:
    choice = choice_for(CATALOG.find("r1-distill-llama-70b"), typical(8))
    assert (choice.verdict, choice.context, choice.kv_type, choice.gpu_layers) == ("too_large", 8192, "q8_0", 0)
    assert choice.file.quant == "Q2_K"
    assert choice.memory.total > 25 * GIB


def test_an_architecture_of_tomorrow_is_listed_and_not_picked(tmp_path: Path) -> None:
    document = json.loads(resource("catalog.json").read_text(encoding="utf-8"))
    newest = next(model for model in document["models"] if model["id"] == "v4-flash-0731")
    document["models"].append(newest | {"id": "v4.1-flash", "shape": newest["shape"] | {"architecture": "deepseek41"}})
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    advice = advise(Catalog.load(path), mac(256))
    assert pick(advice).model.id == "v4-flash-0731"
    assert advice.others[-1].verdict == "unsupported"
    assert advice.others[-1].note.en == "The engine of this version cannot run it yet."


def test_an_unknown_quant_of_a_known_model_is_weighed_too() -> None:
    model = CATALOG.find("r1-distill-qwen-7b")
    odd = replace(model.files[0], quant="Q4_K_L", size=5_090_000_000, divergence=0.027)
    assert choice_for(model, typical(16, 8), file=odd).file is odd
