"""Embedders and rerankers: chosen and planned beside the chat model, and never in its place."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.engine.dry_run import NativeDryRun
from backends.models import gguf
from backends.models.advisor import Budget, advise, choice_for
from backends.models.catalog import Catalog
from backends.models.companions import companions
from backends.models.footprint import compute_bytes, kv_bytes
from backends.models.machines import Figures
from backends.models.types import Choice
from tests.kit.damages import written
from tests.kit.embedders import random_bert
from tests.kit.ggufs import Shape, random_model
from tests.kit.headers import Kind

GIB, MIB = 1 << 30, 1 << 20
CATALOG, FIGURES = Catalog.load(), Figures.load()


def typical(ram: float, *vram: float) -> Budget:
    return Budget.typical(round(ram * GIB), [round(size * GIB) for size in vram], FIGURES)


def chat(budget: Budget) -> Choice:
    pick = advise(CATALOG, budget).pick
    assert pick is not None
    return pick


MACHINES = [typical(16), typical(16, 8), typical(32, 12), typical(32, 24), typical(64, 24, 8), typical(128, 24)]
MACHINES += [Budget.typical_unified(size * GIB, FIGURES) for size in (16, 36, 128)]


def test_the_chat_advice_never_offers_them() -> None:
    for budget in (typical(2), typical(4), typical(8), *MACHINES):
        advice = advise(CATALOG, budget)
        assert {choice.model.kind for choice in (*filter(None, [advice.pick]), *advice.others)} == {"chat"}


def test_the_usual_embedder_is_the_one_of_qwen3() -> None:
    advice = advise(CATALOG, typical(16), kind="embedding")
    assert advice.pick is not None
    assert advice.pick.model.id == "qwen3-embedding-0.6b"
    assert advice.pick.file.quant == "Q8_0"
    assert [choice.model.id for choice in advice.others] == ["bge-m3"]
    assert advice.pick.model.spec is not None
    assert advice.pick.model.spec.pooling == "last"
    assert advice.pick.model.spec.query_prefix.endswith("Query:")


@pytest.mark.parametrize("budget", MACHINES)
def test_all_three_fit_together(budget: Budget) -> None:
    """The chat model, the embedder and the reranker, on each device and in main memory."""
    model = chat(budget)
    found = companions(CATALOG, budget, model)
    assert found.embedder is not None
    assert found.reranker is not None
    assert (found.embedder.model.kind, found.reranker.model.kind) == ("embedding", "reranking")
    together = (model, found.embedder, found.reranker)
    for index, gpu in enumerate(budget.gpus):
        assert sum(one.memory.per_gpu[index] for one in together if one.memory.per_gpu) <= gpu.usable
    in_host = sum(one.memory.host + (sum(one.memory.per_gpu) if budget.unified else 0) for one in together)
    assert in_host <= budget.host.usable


def test_where_the_card_is_full_they_work_in_main_memory() -> None:
    budget = typical(32, 24)
    model = chat(budget)
    full = replace(budget, gpus=(replace(budget.gpus[0], free=sum(model.memory.per_gpu) + budget.gpus[0].margin),))
    found = companions(CATALOG, full, model)
    assert found.embedder is not None
    assert found.embedder.gpu_layers == 0
    alone = companions(CATALOG, budget)
    assert alone.embedder is not None
    assert alone.embedder.gpu_layers == alone.embedder.model.shape.layers + 1
    assert alone.embedder.seconds_to_answer < found.embedder.seconds_to_answer


def test_where_little_is_left_the_one_without_a_cache_comes() -> None:
    budget = typical(16)
    needed = {choice.model.id: choice.memory.total for choice in advise(CATALOG, budget, kind="embedding").others}
    room = replace(budget, host=replace(budget.host, free=needed["bge-m3"] + 10 * MIB))
    pick = advise(CATALOG, room, kind="embedding").pick
    assert pick is not None
    assert (pick.model.id, pick.verdict) == ("bge-m3", "tight")


def test_where_nothing_is_left_it_is_said() -> None:
    advice = advise(CATALOG, typical(1), kind="embedding")
    assert advice.pick is None
    assert advice.reason.en.startswith("None fits beside the chat model: the smallest needs 0.")
    assert advice.reason.zh.endswith("。")
    assert {choice.verdict for choice in advice.others} == {"too_large"}
    assert companions(CATALOG, typical(1)).reranker is None


def test_bert_has_no_cache_and_qwen3_has() -> None:
    assert kv_bytes(CATALOG.find("bge-m3").shape, 8192) == 0
    assert kv_bytes(CATALOG.find("qwen3-embedding-0.6b").shape, 2048) == 2048 * 28 * 8 * 256 * 2
    for choice in (found for found in (companions(CATALOG, typical(32)).embedder,) if found):
        assert choice.memory.kv == kv_bytes(choice.model.shape, choice.context)


def test_a_reranker_reads_a_question_and_a_passage_at_once() -> None:
    found = companions(CATALOG, typical(16)).reranker
    assert found is not None
    assert found.context >= 1024
    assert found.memory.total < 1 * GIB


def test_llama_cpp_takes_what_the_formulas_say(tmp_path: Path) -> None:
    """The cache to the byte; the compute buffer never more, and at most a sixth less."""
    bert = random_bert(tmp_path / "bert.gguf", width=512, heads=8, ff=2048, context=2048)
    plain = random_model(tmp_path / "chat.gguf", "qwen3", shape=Shape(width=512, heads=8, head=64, vocabulary=32000))
    qwen3 = written(tmp_path / "qwen3.gguf", plain, lambda draft: draft.set("qwen3.pooling_type", Kind.UINT32, 3))
    dry_run = NativeDryRun()
    for path, batch in ((bert, 2048), (bert, 512), (qwen3, 512)):
        shape = gguf.check(path, ("embedding",)).shape
        (said,) = dry_run.measure(
            path,
            context=2048,
            kv_type="f16",
            gpu_layers=0,
            expert_layers_on_cpu=0,
            gpu_split=(),
            batch=batch,
            sequences=1,
            outputs=1,
            embeddings=True,
            cancel=CancelToken(),
        )
        assert said.kv == kv_bytes(shape, 2048)
        told = compute_bytes(shape, 2048, FIGURES, ubatch=batch, embeddings=True)
        assert said.compute <= told <= said.compute * 7 / 6
    dry_run.close()


@pytest.mark.parametrize("name", ["qwen3-embedding-0.6b", "bge-m3", "bge-reranker-v2-m3"])
def test_one_of_them_is_judged_as_what_it_is(name: str) -> None:
    model = CATALOG.find(name)
    choice = choice_for(model, typical(16))
    assert (choice.model.id, choice.verdict, choice.context) == (name, "fits", 2048)
    assert choice_for(model, typical(16), file=model.files[0]).file is model.files[0]
    assert choice_for(model, typical(1)).verdict == "too_large"


def test_a_file_of_ones_own_is_told_apart_by_its_header(tmp_path: Path) -> None:
    made = random_bert(tmp_path / "Mine-F16.gguf", context=512)
    choice = choice_for(gguf.check(made, ("embedding",)), typical(16, 8))
    assert (choice.model.kind, choice.verdict, choice.context) == ("embedding", "fits", 512)
    assert choice.memory.kv == 0
    known = choice_for(gguf.check(made, ("embedding",)), typical(16, 8), known=CATALOG.find("bge-m3"))
    assert (known.model.name, known.memory) == ("BGE M3", choice.memory)


@pytest.mark.parametrize("budget", MACHINES)
def test_the_reason_has_size_and_time(budget: Budget) -> None:
    advice = advise(CATALOG, budget, kind="embedding")
    assert "GiB" in advice.reason.en
    assert "reads a page in about" in advice.reason.en
    assert "读一页约需" in advice.reason.zh
