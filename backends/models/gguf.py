"""What a GGUF says about itself, before llama.cpp sees a byte of it.

`read_header` reads the container within bounds (SEC-20) and gathers what the rest of the room needs: the shape, the
tensors, the quant. `check` refuses in plain words what this engine cannot run and what would make llama.cpp abort
(SEC-21). Both take milliseconds and megabytes, whatever the file claims.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.core.phrase import Phrase
from backends.models.gguf_bounds import check_architecture, check_bounds, kind_of
from backends.models.gguf_format import ArrayOf, Container, NeedMoreBytes, Tensor, damaged, read_container
from backends.models.quants import part_of, quant_of
from backends.models.types import Kind, Shape

FIRST_READ = 16 << 20  # a header with 150,000 tokens takes 5 to 12 MB
LARGEST_HEADER = 256 << 20
MOST_PARTS = 1000

# llama_ftype of llama.h; the name in the file's name comes first, since "UD-" and "_XL" are not known here.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """A GGUF without its weights. A part of a split that is not the first has no architecture ("") and no shape."""

    name: str
    architecture: str
    quant: str  # "Q4_K_M"; "" when neither the file's name nor its metadata tell
    parameters: int
    chat_template: str
    shape: Shape
    container: Container
    split_number: int = 0  # counts from 0
    split_count: int = 1

    @property
    def metadata(self) -> Mapping[str, Any]:
        """With `ArrayOf` in place of long arrays and of lists of texts."""
        return self.container.metadata

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.container.tensors

    @property
    def size(self) -> int:
        """Bytes, of all parts."""
        return self.container.size

    @property
    def context_train(self) -> int:
        return self.shape.context_train

    @property
    def kind(self) -> Kind:
        """Whether it chats, turns texts into vectors, or ranks passages."""
        return kind_of(self.architecture, self.metadata, (tensor.name for tensor in self.tensors))


def read_header(source: Path | BinaryIO, *, size: int | None = None, name: str = "") -> Header:
    """Read a header from a file, or from a stream of a file of `size` bytes (then `name` may tell the quant).

    Raises InvalidInput (`not_gguf`, `truncated_file`, `damaged_file`, `foreign_fork`), NotFound, StorageError.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                return header_of(_container(stream, source.stat().st_size), source.as_posix())
        except OSError as error:
            raise _unreadable(source, error) from error
    if size is None:
        size = source.seek(0, 2)
        source.seek(0)
    return header_of(_container(source, size), name)


def check(path: Path, kinds: Collection[Kind] = ("chat",)) -> Header:
    """The header of a file that may be loaded as a model of one of `kinds`; all parts of a split are read.

    Beside the errors of `read_header` InvalidInput with `unsupported_architecture`, `damaged_file`, `foreign_fork`,
    `is_adapter`, and for splits `not_first_part` and `missing_part`.
    """
    header = read_header(path)
    return checked(path.name, header, lambda name: _part(path.with_name(name), header.split_count), kinds)


def checked(name: str, header: Header, read: Callable[[str], Header], kinds: Collection[Kind] = ("chat",)) -> Header:
    """`check` for a file called `name` whose header is at hand; `read` gives that of the part with another name."""
    if header.split_number > 0:
        raise not_first(name)
    if header.metadata.get("general.type") == "adapter":
        raise InvalidInput(
            Phrase(f"{name} is an adapter (LoRA), not a model.", f"{name} 是适配器（LoRA），不是模型。"),
            Phrase("Add it to the adapters of a model.", "请将其添加为模型的适配器。"),
            code="is_adapter",
        )
    check_architecture(header.architecture, header.metadata, kinds, [tensor.name for tensor in header.tensors])
    if header.split_count > 1:
        header = _joined(name, header, read)
    check_bounds(header.architecture, header.container)
    return header


def _container(stream: BinaryIO, size: int) -> Container:
    head = stream.read(min(size, FIRST_READ))
    while True:
        try:
            return read_container(head, size)
        except NeedMoreBytes as need:
            if need.count > LARGEST_HEADER:
                raise damaged("its header is impossibly long", "文件头过长") from need
            wanted = min(size, LARGEST_HEADER, max(need.count, 2 * len(head)))
            more = stream.read(wanted - len(head))
            if not more:
                raise damaged("it became shorter while it was read", "读取过程中文件变短了") from need
            head += more


def header_of(container: Container, path: str) -> Header:
    """What a container says; the name in `path` may tell the quant."""
    metadata = container.metadata
    architecture = _text(metadata.get("general.architecture"))
    return Header(
        name=_text(metadata.get("general.name")).strip(),
        architecture=architecture,
        quant=(quant_of(path) if path else "") or _quant(container),
        parameters=_parameters(container.tensors),
        chat_template=_text(metadata.get("tokenizer.chat_template")),
        shape=_shape(architecture, container),
        container=container,
        split_number=_whole(metadata.get("split.no")),
        split_count=max(1, _whole(metadata.get("split.count"))),
    )


def _part(path: Path, count: int) -> Header:
    if path.is_file():
        return read_header(path)
    raise InvalidInput(
        Phrase(
            f"This model comes in {count} files, and {path.name} is not there.",
            f"该模型由 {count} 个文件组成，缺少 {path.name}。",
        ),
        Phrase("Put all of them in one folder.", "请将所有文件放在同一文件夹中。"),
        code="missing_part",
    )


def _joined(name: str, first: Header, read: Callable[[str], Header]) -> Header:
    """The header of a split as if it were one file: llama-gguf-split gives each part its own list of tensors."""
    part = part_of(name)
    if part is None or part.number != 1 or part.count != first.split_count or part.count > MOST_PARTS:
        raise not_first(name)
    tensors, size = list(first.tensors), first.size
    for number in range(2, part.count + 1):
        other = part.name(number)
        next_part = read(other)
        if next_part.split_number != number - 1 or next_part.split_count != part.count:
            raise damaged(f"{other} is not part {number} of it", f"{other} 不是它的第 {number} 部分")
        tensors += next_part.tensors
        size += next_part.size
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise damaged("its parts hold the same tensor twice", "各部分中有重复的张量")
    container = replace(first.container, tensors=tuple(tensors), size=size)
    return replace(
        first,
        container=container,
        parameters=_parameters(container.tensors),
        shape=_shape(first.architecture, container),
        quant=first.quant or _quant(container),
    )


def _shape(architecture: str, container: Container) -> Shape:
    metadata = container.metadata

    def number(key: str, default: int = 0) -> int:
        value = metadata.get(f"{architecture}.{key}", default)
        numbers = [_whole(one) for one in value] if isinstance(value, tuple) else [_whole(value)]
        return max(numbers, default=default)

    embedding, heads = number("embedding_length"), number("attention.head_count")
    head = embedding // heads if heads else 0
    blocks = max(0, number("block_count") - _for_drafts(architecture, container, number("nextn_predict_layers")))
    tokens = metadata.get("tokenizer.ggml.tokens")
    ratios = metadata.get(f"{architecture}.attention.compress_ratios", ())
    mla = architecture == "deepseek32" or bool(
        number("attention.key_length_mla") and number("attention.value_length_mla")
    )
    return Shape(
        architecture=architecture,
        layers=blocks,
        embedding=embedding,
        feed_forward=number("feed_forward_length"),
        heads=heads,
        kv_heads=number("attention.head_count_kv", heads),
        key_length=number("attention.key_length", head),
        value_length=number("attention.value_length", head),
        vocabulary=tokens.length if isinstance(tokens, ArrayOf) else number("vocab_size"),
        context_train=number("context_length"),
        experts=number("expert_count"),
        experts_used=number("expert_used_count"),
        expert_feed_forward=number("expert_feed_forward_length"),
        dense_layers=number("leading_dense_block_count"),
        kv_lora_rank=number("attention.kv_lora_rank"),
        rope_dimensions=number("rope.dimension_count"),
        mla=mla,
        indexer_key_length=number("attention.indexer.key_length"),
        sliding_window=number("attention.sliding_window"),
        compress_ratios=tuple(_whole(ratio) for ratio in ratios[:blocks]) if isinstance(ratios, tuple) else (),
    )


def _for_drafts(architecture: str, container: Container, told: int) -> int:
    """The last layers, which only write drafts (multi-token prediction): llama.cpp leaves them out. A deepseek4 file
    may tell of some that it does not have."""
    if architecture == "deepseek4" and not any(".nextn." in tensor.name for tensor in container.tensors):
        return 0
    return told


def _quant(container: Container) -> str:
    if not container.tensors:
        return ""
    named = _FILE_TYPES.get(_whole(container.metadata.get("general.file_type"), -1), "")
    if named:
        return named
    sizes: Counter[str] = Counter()
    for tensor in container.tensors:
        sizes[tensor.kind] += tensor.size
    return sizes.most_common(1)[0][0]


def _parameters(tensors: tuple[Tensor, ...]) -> int:
    total = 0
    for tensor in tensors:
        count = 1
        for dimension in tensor.dimensions:
            count *= dimension
        total += count
    return total


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def not_first(name: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"{name} is one part of a model, and not the first.", f"{name} 是模型的一部分，但不是第一部分。"),
        Phrase("Choose the file whose name ends in -00001-of-….gguf.", "请选择文件名以 -00001-of-….gguf 结尾的文件。"),
        code="not_first_part",
    )


def _unreadable(path: Path, error: OSError) -> NotFound | StorageError:
    if isinstance(error, FileNotFoundError):
        return NotFound(Phrase(f"The file {path} is not there.", f"找不到文件 {path}。"), code="file_not_found")
    reason = error.strerror or str(error)
    return StorageError(
        Phrase(f"The file {path} cannot be read: {reason}.", f"无法读取文件 {path}：{reason}。"),
        Phrase("Check that you may read it.", "请检查读取权限。"),
        code="file_not_readable",
    )
