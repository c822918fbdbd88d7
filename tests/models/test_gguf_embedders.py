"""Embedders and rerankers as files: what they are told from, which are accepted, and what would end llama.cpp."""

import struct
from pathlib import Path
from random import Random

import gguf as writers
import pytest

from backends.core.errors import BackendError, InvalidInput
from backends.models import gguf
from backends.models.charsmap import is_sound
from backends.models.gguf_format import CHARSMAP_KEY
from backends.models.types import Kind as ModelKind
from tests.kit.damages import Change, key, keys, retyped, tensor, without, written
from tests.kit.embedders import charsmap, random_bert, readings
from tests.kit.ggufs import Shape, random_model
from tests.kit.headers import Draft, Kind, torn

SEARCH: tuple[ModelKind, ...] = ("embedding", "reranking")
SMALL = Shape(layers=2, width=64, heads=4, kv_heads=2, head=16, ff=64, vocabulary=320)
MUTATIONS = 300
SAMPLE = 15


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    qwen3 = random_model(folder / "chat.gguf", "qwen3", shape=SMALL)
    return {
        "bert": random_bert(folder / "bert.gguf"),
        "wordpiece": random_bert(folder / "wordpiece.gguf", tokenizer="bert"),
        "reranker": random_bert(folder / "reranker.gguf", pooling=writers.PoolingType.RANK, ranks=True),
        "old reranker": random_bert(folder / "old.gguf", pooling=None, ranks=True),
        "qwen3": written(folder / "qwen3.gguf", qwen3, key_of("qwen3.pooling_type", 3)),
        "chat": qwen3,
    }


def key_of(name: str, value: object, kind: Kind = Kind.UINT32) -> Change:
    return lambda draft: draft.set(name, kind, value)


def refused(path: Path, kinds: tuple[ModelKind, ...] = SEARCH) -> str:
    with pytest.raises(InvalidInput) as caught:
        gguf.check(path, kinds)
    assert caught.value.message.zh.endswith("。")
    return caught.value.code


def test_what_a_file_is_for(bases: dict[str, Path]) -> None:
    kinds = {name: gguf.read_header(path).kind for name, path in bases.items()}
    assert kinds == {
        "bert": "embedding",
        "wordpiece": "embedding",
        "reranker": "reranking",
        "old reranker": "reranking",  # from before files said how they pool: the head tells
        "qwen3": "embedding",
        "chat": "chat",
    }


def test_embedders_are_accepted_where_they_are_wanted_and_read_texts(bases: dict[str, Path]) -> None:
    for name in ("bert", "wordpiece", "qwen3", "reranker", "old reranker"):
        assert gguf.check(bases[name], SEARCH).kind in SEARCH
    assert readings([bases["bert"], bases["wordpiece"], bases["qwen3"]]) == ["reads"] * 3
    assert readings([bases["reranker"], bases["old reranker"]], pooling=4) == ["reads"] * 2


def test_who_wants_a_chat_model_gets_the_sentence_as_ever(bases: dict[str, Path]) -> None:
    for name in ("bert", "qwen3", "reranker", "old reranker"):
        with pytest.raises(InvalidInput) as caught:
            gguf.check(bases[name])
        assert caught.value.code == "unsupported_architecture"
        assert caught.value.message.en == "This model turns texts into vectors for searching; it cannot chat."


def test_each_is_refused_in_the_place_of_another(bases: dict[str, Path]) -> None:
    for name, kinds, words in (
        ("chat", SEARCH, "This model chats"),
        ("bert", ("reranking",), "cannot rank passages"),
        ("reranker", ("embedding",), "cannot turn texts into vectors"),
    ):
        with pytest.raises(InvalidInput) as caught:
            gguf.check(bases[name], kinds)  # type: ignore[arg-type]
        assert words in caught.value.message.en
        assert caught.value.code == "unsupported_architecture"
    assert gguf.check(bases["chat"], ("chat", "embedding")).kind == "chat"


@pytest.mark.parametrize("architecture", ["nomic-bert", "gemma-embedding", "jina-bert-v3", "mamba"])
def test_other_embedders_are_not_known_here(bases: dict[str, Path], tmp_path: Path, architecture: str) -> None:
    changed = written(tmp_path / "m.gguf", bases["bert"], key("general.architecture", architecture, Kind.STRING))
    assert refused(changed) == "unsupported_architecture"


def table(made: bytes) -> Change:
    return lambda draft: draft.set_array(CHARSMAP_KEY, Kind.UINT8, list(made))


def unit(index: int, value: int) -> bytes:
    made = bytearray(charsmap())
    struct.pack_into("<I", made, 4 + 4 * index, value)
    return bytes(made)


def few_tokens(draft: Draft) -> None:
    draft.set_array("tokenizer.ggml.tokens", Kind.STRING, [*map(str, range(60))])
    draft.set_array("tokenizer.ggml.token_type", Kind.INT32, [1] * 60)
    draft.tensor("token_embd.weight").dimensions = [64, 60]


UNSOUND = {
    "empty": b"",
    "only a size": struct.pack("<I", 0),
    "shorter than it says": struct.pack("<I", 4000) + bytes(40),
    "a root that leads outside": unit(0, 100_000 << 10),
    "a child that leads outside": unit(256 ^ 0xEF, 0xEF | 100_000 << 10),
    "a leaf whose value is outside": unit(768 ^ 0xA1, 0xA1 | 1 << 8 | 100_000 << 10),
    "a replacement that is not there": unit(1024, 1 << 31 | 99),
    "a replacement that does not end": charsmap(b"A"),
    "no whole block": struct.pack("<I8I", 32, *[1 << 10] * 8) + b"A\0",
}

DAMAGED: dict[str, tuple[str, Change]] = {
    "an unknown pooling": ("bert", key_of("bert.pooling_type", 9)),
    "pooling as text": ("bert", key_of("bert.pooling_type", "cls", Kind.STRING)),
    "an unknown pooling before the head": ("reranker", key_of("bert.classifier.pooling_type", 7)),
    "a reranker without its head": ("bert", key_of("bert.pooling_type", 4)),
    "qwen3 as a reranker without its head": ("qwen3", key_of("qwen3.pooling_type", 4)),
    "attention that looks back only": ("bert", key_of("bert.attention.causal", True, Kind.BOOL)),
    "attention that says nothing": ("bert", without("bert.attention.causal")),
    "fewer key heads": ("bert", key_of("bert.attention.head_count_kv", 2)),
    "heads by block": ("bert", keys("bert.attention.head_count", [4, 4])),
    "heads that the width does not hold": ("bert", key_of("bert.attention.key_length", 8)),
    "0 blocks": ("bert", key_of("bert.block_count", 0)),
    "no feed-forward": ("bert", without("bert.feed_forward_length")),
    "experts": ("bert", key_of("bert.expert_count", 2)),
    "no types of tokens": ("bert", without("tokenizer.ggml.token_type_count")),
    "0 types of tokens": ("bert", key_of("tokenizer.ggml.token_type_count", 0)),
    "types of tokens in F16": ("bert", retyped("token_types.weight", 1, 128)),
    "a norm in F16": ("bert", retyped("token_embd_norm.weight", 1, 128)),
    "fewer tokens than rows": ("bert", keys("tokenizer.ggml.tokens", [*map(str, range(20))], Kind.STRING)),
    "a beginning that is no token": ("bert", without("tokenizer.ggml.bos_token_id")),
    "a WordPiece vocabulary too small for its special tokens": ("wordpiece", few_tokens),
    "a tensor of another block": ("bert", tensor("blk.1.ffn_up.bias", called=b"blk.99.ffn_up.bias")),
}
DAMAGED |= {f"a table with {name}": ("bert", table(made)) for name, made in UNSOUND.items()}
DAMAGED["a table of other numbers"] = ("bert", keys(CHARSMAP_KEY, [1, 2, 3], Kind.INT32))


@pytest.mark.parametrize(("base", "change"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_embedders(bases: dict[str, Path], tmp_path: Path, base: str, change: Change) -> None:
    assert refused(written(tmp_path / "changed.gguf", bases[base], change)) in ("damaged_file", "truncated_file")


@pytest.mark.parametrize(
    ("base", "name"), [("bert", "gpt2"), ("bert", "llama"), ("qwen3", "t5"), ("qwen3", "bert"), ("bert", "magic")]
)
def test_tokenizers_that_do_not_belong(bases: dict[str, Path], tmp_path: Path, base: str, name: str) -> None:
    changed = written(tmp_path / "changed.gguf", bases[base], key("tokenizer.ggml.model", name, Kind.STRING))
    assert refused(changed) == "unsupported_architecture"


def test_what_is_refused_would_end_llama_cpp(bases: dict[str, Path], tmp_path: Path) -> None:
    """So that these rules are there for a reason, and the child really reads texts."""
    ends = (
        "an unknown pooling",
        "a beginning that is no token",
        "a table with a child that leads outside",
        "a table with a replacement that does not end",
        "types of tokens in F16",
    )
    paths = []
    for number, name in enumerate(ends):
        base, change = DAMAGED[name]
        paths.append(written(tmp_path / f"{number}.gguf", bases[base], change))
    assert readings(paths) == ["died"] * len(ends)


def test_a_table_that_is_sound() -> None:
    assert is_sound(charsmap())
    assert is_sound(struct.pack("<I", 0) + b"A\0")  # no array at all: nothing is replaced
    for name, made in UNSOUND.items():
        assert not is_sound(made), name


def test_torn_tables_end_nothing(bases: dict[str, Path], tmp_path: Path) -> None:
    """Whatever is called sound, llama.cpp reads texts with."""
    random, made = Random(0), []
    for number in range(2000):
        torn_table = bytearray(charsmap())
        for _ in range(random.randint(1, 3)):
            place = 4 + 4 * random.choice([0, 256 ^ 0xEF, 512 ^ 0xBC, 768 ^ 0xA1, 1024, random.randrange(1280)])
            torn_table[place + random.randrange(4)] = random.randrange(256)
        if is_sound(bytes(torn_table)) and len(made) < 12:
            made.append(written(tmp_path / f"{number}.gguf", bases["bert"], table(bytes(torn_table))))
    assert len(made) == 12
    assert readings(made, text="Ａ ＡＢ a") == ["reads"] * 12


def test_random_damage_is_refused_or_survived(bases: dict[str, Path], tmp_path: Path) -> None:
    """Seeded. What passes has to load and read a text, or fail cleanly, in llama.cpp itself."""
    names = ("bert", "wordpiece", "reranker", "qwen3")
    wholes = {name: (bases[name].read_bytes(), len(Draft.of(bases[name]).header())) for name in names}
    passed: list[Path] = []
    for seed in range(MUTATIONS):
        whole, header = wholes[names[seed % len(names)]]
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(torn(whole, header, Random(seed)))
        try:
            gguf.check(path, SEARCH)
        except BackendError:
            path.unlink()
        else:
            passed.append(path)
    assert len(passed) > SAMPLE
    chosen = Random(0).sample(passed, SAMPLE)
    assert set(readings(chosen)) <= {"reads", "fails", "refused"}
