"""What a GGUF says about itself: headers of real files, of splits, and of a file that arrives in pieces."""

import io
import time
from pathlib import Path

import pytest
from gguf import GGUFWriter

from backends.core.errors import InvalidInput, NotFound
from backends.models import gguf
from backends.models.gguf_format import ArrayOf, NeedMoreBytes, read_container
from backends.models.types import Shape
from tests.kit.ggufs import R1_TEMPLATE, random_model, scripted_model
from tests.kit.ggufs import Shape as Made
from tests.kit.headers import Draft, Kind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers")


def split(path: Path, draft: Draft, cuts: tuple[int, ...]) -> list[Path]:
    """As llama-gguf-split does it: the metadata in the first part, the tensors from `cuts` on in the others."""
    count = len(cuts) + 1
    edges = [0, *cuts, len(draft.tensors)]
    paths = []
    for number in range(count):
        chosen = draft.tensors[edges[number] : edges[number + 1]]
        first = chosen[0].offset if chosen else 0
        after = edges[number + 1]
        last = draft.tensors[after].offset if after < len(draft.tensors) else len(draft.data)
        part = Draft(dict(draft.entries) if number == 0 else {}, [], draft.data[first : last if chosen else first])
        part.tensors = [type(one)(one.name, one.dimensions, one.kind, one.offset - first) for one in chosen]
        part.set("split.no", Kind.UINT16, number)
        part.set("split.count", Kind.UINT16, count)
        part.set("split.tensors.count", Kind.INT32, len(draft.tensors))
        paths.append(path.with_name(f"{path.stem}-{number + 1:05}-of-{count:05}.gguf"))
        paths[-1].write_bytes(part.bytes())
    return paths


def test_a_dense_model_tells_its_shape(folder: Path) -> None:
    made = Made(layers=3, width=96, heads=6, kv_heads=2, head=16, ff=160, vocabulary=400, context=2048)
    header = gguf.check(random_model(folder / "Small-Q4_K_M.gguf", "qwen2", shape=made, name="Small"))
    assert header.shape == Shape("qwen2", 3, 96, 160, 6, 2, 16, 16, 400, 2048, rope_dimensions=16)
    assert (header.name, header.architecture, header.context_train) == ("Small", "qwen2", 2048)
    assert header.chat_template == R1_TEMPLATE
    assert header.quant == "Q4_K_M"  # the file's name counts before what its metadata say
    assert isinstance(header.metadata["tokenizer.ggml.tokens"], ArrayOf)
    assert header.metadata["tokenizer.ggml.tokens"] == ArrayOf("str", 400)


def test_sizes_and_parameters_are_those_of_the_tensors(folder: Path) -> None:
    path = random_model(folder / "sizes.gguf", "llama")
    header = gguf.check(path)
    assert header.size == path.stat().st_size
    assert header.parameters == 2 * 512 * 128 + 128 + 2 * (2 * 128 + 3 * 128 * 256 + 2 * 128 * 128 + 2 * 64 * 128)
    assert sum(tensor.size for tensor in header.tensors) <= path.stat().st_size - header.container.data_start
    assert header.quant == "F16"  # from general.file_type


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "deepseek2"])
def test_what_llama_cpp_runs_is_accepted(folder: Path, architecture: str) -> None:
    assert gguf.check(random_model(folder / f"{architecture}.gguf", architecture)).architecture == architecture


def test_latent_attention_is_told_from_the_files_before_it(folder: Path) -> None:
    new = gguf.check(random_model(folder / "mla.gguf", "deepseek2")).shape
    old = gguf.check(random_model(folder / "legacy.gguf", "deepseek2", shape=Made(mla=False))).shape
    assert (new.mla, new.kv_heads, new.key_length) == (True, 1, 96)
    assert (old.mla, old.kv_heads, old.key_length, old.value_length) == (False, 4, 64, 32)
    assert (old.experts, old.experts_used, old.dense_layers, old.kv_lora_rank) == (4, 2, 1, 64)


def test_a_v4_file_of_llama_cpp_is_accepted(folder: Path) -> None:
    path = folder / "v4.gguf"
    path.write_bytes(v4(folder).bytes())
    shape = gguf.check(path).shape
    assert (shape.architecture, shape.compress_ratios, shape.sliding_window) == ("deepseek4", (4, 128), 128)


def v4(folder: Path) -> Draft:
    """The metadata of a DeepSeek V4 of two blocks, on the tokens and tensors of another model."""
    draft = Draft.of(scripted_model(folder / "scripted.gguf"))
    keys = {
        "block_count": 2,
        "context_length": 4096,
        "embedding_length": 16,
        "attention.head_count": 4,
        "attention.head_count_kv": 1,
        "attention.key_length": 32,
        "attention.value_length": 32,
        "attention.q_lora_rank": 16,
        "attention.sliding_window": 128,
        "attention.output_group_count": 2,
        "attention.output_lora_rank": 8,
        "attention.indexer.head_count": 2,
        "attention.indexer.key_length": 64,
        "attention.indexer.top_k": 8,
        "expert_count": 4,
        "expert_used_count": 2,
        "expert_shared_count": 1,
        "expert_feed_forward_length": 32,
        "hyper_connection.count": 4,
        "rope.dimension_count": 16,
    }
    draft.set("general.architecture", Kind.STRING, "deepseek4")
    for key, value in keys.items():
        draft.set(f"deepseek4.{key}", Kind.UINT32, value)
    draft.set_array("deepseek4.attention.compress_ratios", Kind.UINT32, [4, 128])
    return draft


def test_a_split_is_read_as_one(folder: Path) -> None:
    path = random_model(folder / "Whole-Q8_0.gguf", "qwen3")
    whole = gguf.check(path)
    for cuts in [(7, 15), (0, 9)]:  # the first part may hold metadata alone
        first, second, third = split(path, Draft.of(path), cuts)
        header = gguf.check(first)
        assert header.shape == whole.shape
        assert header.parameters == whole.parameters
        assert [tensor.name for tensor in header.tensors] == [tensor.name for tensor in whole.tensors]
        assert header.size == sum(part.stat().st_size for part in (first, second, third))
        assert (header.split_count, header.quant) == (3, "Q8_0")


def test_a_split_is_chosen_by_its_first_part_and_must_be_complete(folder: Path) -> None:
    path = random_model(folder / "Parts.gguf", "qwen3")
    first, second, third = split(path, Draft.of(path), (7, 15))
    with pytest.raises(InvalidInput) as caught:
        gguf.check(second)
    assert caught.value.code == "not_first_part"
    third.unlink()
    with pytest.raises(InvalidInput) as caught:
        gguf.check(first)
    assert caught.value.code == "missing_part"
    assert third.name in caught.value.message.en
    third.write_bytes(second.read_bytes())
    with pytest.raises(InvalidInput) as caught:
        gguf.check(first)
    assert caught.value.code == "damaged_file"


def test_a_header_may_come_in_pieces(folder: Path) -> None:
    """As with HTTP ranges: the reader says how much it wants to see, and never asks for more than there is."""
    path = random_model(folder / "pieces.gguf", "qwen2")
    whole, size = path.read_bytes(), path.stat().st_size
    asked = [4]
    container = None
    while container is None:
        try:
            container = read_container(whole[: asked[-1]], size)
        except NeedMoreBytes as need:
            asked.append(need.count)
    assert asked == sorted(set(asked))
    assert len(asked) > 100
    assert asked[-1] <= container.data_start < size
    assert container.tensors == gguf.read_header(path).tensors


class Slow(io.BytesIO):
    """A stream that hands out what it likes, as sockets do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1000, size) if size and size > 0 else size)


def test_a_stream_of_known_size_is_enough(folder: Path) -> None:
    path = random_model(folder / "stream.gguf", "qwen2")
    header = gguf.read_header(Slow(path.read_bytes()), size=path.stat().st_size, name="Some-IQ4_XS.gguf")
    assert header.tensors == gguf.read_header(path).tensors
    assert header.quant == "IQ4_XS"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        gguf.check(tmp_path / "nothing.gguf")


def test_a_large_vocabulary_takes_little(tmp_path: Path) -> None:
    """152,064 tokens and as many merges, as the Qwen models have: a fraction of a second of work."""
    path = tmp_path / "large.gguf"
    writer = GGUFWriter(path, "qwen2")
    writer.add_token_list([f"token {number}".encode() for number in range(152_064)])
    writer.add_token_merges([f"a{number} b{number}" for number in range(151_387)])
    writer.add_token_types([1] * 152_064)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    before = time.thread_time()
    header = gguf.read_header(path)
    assert time.thread_time() - before < 0.5
    assert header.shape.vocabulary == 152_064
    assert header.metadata["tokenizer.ggml.merges"] == ArrayOf("str", 151_387)
