"""What the header reader refuses, and that nothing a file claims costs time, memory or the process (SEC-20, SEC-21)."""

import time
import tracemalloc
from pathlib import Path
from random import Random

import pytest

from backends.core.errors import BackendError
from backends.models import gguf
from tests.kit.damages import FORMAT, LATENT, MEANING, Change, key, keys, without, written
from tests.kit.ggufs import Shape, random_model
from tests.kit.headers import Draft, Kind, TensorInfo, scalar, torn
from tests.kit.llama_child import outcomes

MUTATIONS = 500
SAMPLE = 20
SMALL = Shape(layers=2, width=64, heads=4, kv_heads=2, head=16, ff=64, vocabulary=320, kv_rank=32, rope=16)
OLD = Shape(layers=2, width=64, heads=4, kv_heads=2, head=16, ff=64, vocabulary=320, kv_rank=32, rope=16, mla=False)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    made = {name: random_model(folder / f"{name}.gguf", name, shape=SMALL) for name in ("qwen2", "llama", "deepseek2")}
    return made | {"legacy": random_model(folder / "legacy.gguf", "deepseek2", shape=OLD)}


def refused(path: Path) -> str:
    """The code with which a file is refused; the time and memory that took are bounded."""
    began = time.thread_time()
    tracemalloc.start()
    try:
        with pytest.raises(BackendError) as caught:
            gguf.check(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.thread_time() - began < 1
    assert peak < 50_000_000
    assert caught.value.message.en.endswith(".")
    assert caught.value.message.zh.endswith("。")
    assert caught.value.hint.en
    return caught.value.code


@pytest.mark.parametrize(("code", "change"), FORMAT.values(), ids=FORMAT)
def test_a_container_that_cannot_be(bases: dict[str, Path], tmp_path: Path, code: str, change: Change) -> None:
    assert refused(written(tmp_path / "changed.gguf", bases["qwen2"], change)) == code


@pytest.mark.parametrize(("code", "change"), MEANING.values(), ids=MEANING)
def test_numbers_that_would_end_llama_cpp(bases: dict[str, Path], tmp_path: Path, code: str, change: Change) -> None:
    assert refused(written(tmp_path / "changed.gguf", bases["qwen2"], change)) == code


@pytest.mark.parametrize(("base", "code", "change"), LATENT.values(), ids=LATENT)
def test_latent_attention_that_cannot_be(
    bases: dict[str, Path], tmp_path: Path, base: str, code: str, change: Change
) -> None:
    assert refused(written(tmp_path / "changed.gguf", bases[base], change)) == code


def test_a_draft_that_is_not_changed_is_accepted(bases: dict[str, Path], tmp_path: Path) -> None:
    """So that each mutation above is refused for what it changes."""
    for base in bases.values():
        path = written(tmp_path / "changed.gguf", base, lambda _: None)
        assert path.read_bytes()[: 1 << 16] == base.read_bytes()[: 1 << 16]
        gguf.check(path)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without("deepseek4.attention.compress_ratios"), "foreign_fork"),
        (without("deepseek4.hyper_connection.count"), "foreign_fork"),
        (keys("deepseek4.attention.compress_ratios", [4, 128, 7]), "damaged_file"),
        (keys("deepseek4.attention.compress_ratios", [4]), "damaged_file"),
        (keys("deepseek4.attention.compress_ratios", [0, 4]), "damaged_file"),
        (keys("deepseek4.attention.compress_ratios", [128, 128]), "damaged_file"),
        (key("deepseek4.nextn_predict_layers", 1), "damaged_file"),
        (key("deepseek4.attention.output_group_count", 0), "damaged_file"),
        (key("deepseek4.attention.output_group_count", 3), "damaged_file"),
        (key("deepseek4.attention.head_count_kv", 2), "damaged_file"),
        (key("deepseek4.attention.value_length", 8), "damaged_file"),
        (key("deepseek4.attention.value_length_swa", 8), "damaged_file"),
        (key("deepseek4.rope.dimension_count_swa", 130), "damaged_file"),
        (key("deepseek4.attention.indexer.key_length", 48), "damaged_file"),
        (key("deepseek4.expert_gating_func", 2), "damaged_file"),
        (key("deepseek4.hyper_connection.count", 2), "damaged_file"),
        (key("deepseek4.hyper_connection.sinkhorn_iterations", 0), "damaged_file"),
        (key("deepseek4.hyper_connection.sinkhorn_iterations", 2**31), "damaged_file"),
    ],
)
def test_a_v4_file_of_another_program(bases: dict[str, Path], tmp_path: Path, change: Change, code: str) -> None:
    numbers = {
        "block_count": 2, "context_length": 4096, "embedding_length": 64, "attention.head_count": 4,
        "attention.head_count_kv": 1, "attention.key_length": 16, "attention.value_length": 16,
        "attention.q_lora_rank": 16, "attention.sliding_window": 128, "attention.output_group_count": 2,
        "attention.output_lora_rank": 8, "attention.indexer.head_count": 2, "attention.indexer.key_length": 64,
        "attention.indexer.top_k": 8, "expert_count": 4, "expert_used_count": 2, "expert_shared_count": 1,
        "expert_feed_forward_length": 32, "hyper_connection.count": 4, "rope.dimension_count": 16,
    }  # fmt: skip

    def as_v4(draft: Draft) -> None:
        draft.set("general.architecture", Kind.STRING, "deepseek4")
        for name, value in numbers.items():
            draft.set(f"deepseek4.{name}", Kind.UINT32, value)
        draft.set_array("deepseek4.attention.compress_ratios", Kind.UINT32, [4, 128])

    whole = written(tmp_path / "changed.gguf", bases["qwen2"], as_v4)
    gguf.check(whole)
    assert refused(written(tmp_path / "changed.gguf", whole, change)) == code


def test_a_text_as_long_as_it_may_be(bases: dict[str, Path], tmp_path: Path) -> None:
    """Long templates exist; what is longer than they are does not."""
    template, other = "tokenizer.chat_template", "general.description"
    gguf.check(written(tmp_path / "changed.gguf", bases["qwen2"], key(template, "x" * 3_000_000, Kind.STRING)))
    assert (
        refused(written(tmp_path / "changed.gguf", bases["qwen2"], key(other, "x" * 3_000_000, Kind.STRING)))
        == "damaged_file"
    )


def test_the_tensor_info_and_scalars_of_the_kit_are_those_of_the_format() -> None:
    assert TensorInfo(b"a", [2, 3], 0, 32).bytes()[:9] == b"\x01\0\0\0\0\0\0\0a"
    assert scalar(Kind.UINT32, 7) == b"\x07\0\0\0"


def test_random_damage_is_refused_or_survived(bases: dict[str, Path], tmp_path: Path) -> None:
    """Seeded: the same 500 files every time. What passes has to load, or fail cleanly, in llama.cpp itself."""
    passed: list[Path] = []
    wholes = {name: (base.read_bytes(), len(Draft.of(base).header())) for name, base in bases.items()}
    began = time.thread_time()
    for seed in range(MUTATIONS):
        whole, header = wholes[sorted(wholes)[seed % len(wholes)]]
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(torn(whole, header, Random(seed)))
        try:
            gguf.check(path)
        except BackendError:
            path.unlink()
        else:
            passed.append(path)
    assert time.thread_time() - began < MUTATIONS * 0.1
    assert len(passed) > SAMPLE
    chosen = Random(0).sample(passed, SAMPLE)
    assert set(outcomes(chosen)) <= {"runs", "refused"}


@pytest.mark.parametrize(("name", "value", "kind"), [
    ("rope.scaling.type", "magic", Kind.STRING),
    ("expert_group_count", 3, Kind.UINT32),
    ("expert_gating_func", 77, Kind.UINT32),
    ("attention.temperature_scale", 0.1, Kind.FLOAT32),
])  # fmt: skip
def test_what_is_refused_of_experts_and_scalings_would_end_llama_cpp(
    bases: dict[str, Path], tmp_path: Path, name: str, value: object, kind: Kind
) -> None:
    path = written(tmp_path / "changed.gguf", bases["deepseek2"], key(f"deepseek2.{name}", value, kind))
    assert refused(path) == "damaged_file"
    assert outcomes([path]) == ["died"]


def test_a_sentencepiece_vocabulary_must_spell_every_byte(bases: dict[str, Path], tmp_path: Path) -> None:
    """llama.cpp throws through C where it cannot spell a text."""

    def spelt(count: int) -> Change:
        tokens = [*(f"<0x{byte:02X}>" for byte in range(count)), *(f"word{n}" for n in range(320 - count))]

        def change(draft: Draft) -> None:
            draft.set("tokenizer.ggml.model", Kind.STRING, "llama")
            draft.set_array("tokenizer.ggml.tokens", Kind.STRING, tokens)

        return change

    gguf.check(written(tmp_path / "whole.gguf", bases["qwen2"], spelt(256)))
    assert refused(written(tmp_path / "lacks.gguf", bases["qwen2"], spelt(255))) == "damaged_file"


def test_what_would_end_llama_cpp_does(bases: dict[str, Path], tmp_path: Path) -> None:
    """The child really sees what the reader keeps away from this process."""
    path = written(tmp_path / "changed.gguf", bases["qwen2"], key("block_count", 100_000))
    assert refused(path) == "damaged_file"
    assert outcomes([bases["qwen2"], path, bases["legacy"]]) == ["runs", "died", "runs"]
