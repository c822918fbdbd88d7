"""The GGUF container, read with bounds: what a file claims about itself is believed only as far as it can be true.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Nothing is
allocated for a count that the file merely claims; the long arrays (a vocabulary has 150,000 strings) are walked over,
not kept. The reader works on bytes from the start of a file whose real size is known, so that it can be fed from a
disk or from HTTP ranges: `NeedMoreBytes` says how many it wants to see.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.models.ggml_types import GGML_TYPES, foreign_type

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 65_536
MOST_TENSORS = 262_144
MOST_STRINGS = 2_000_000  # in all arrays together; the largest vocabularies have 262,144 tokens and as many merges
LEAST_ENTRY, LEAST_TENSOR = 14, 33  # bytes that the shortest of them take
LONGEST_KEY = 65_535
LONGEST_STRING = 1 << 20
LONGEST_TEMPLATE = 4 << 20
LONGEST_NAME = 63  # GGML_MAX_NAME with its closing zero
MOST_DIMENSIONS = 4
KEPT_ARRAY = 1024  # numbers; longer arrays and those of strings are walked over
CHARSMAP_KEY = "tokenizer.ggml.precompiled_charsmap"
LARGEST_CHARSMAP = 4 << 20  # bytes; that of XLM-R has 240 KB
LARGEST_VOCABULARY = 600_000
LARGEST_TENSOR = 1 << 60
LARGEST_ALIGNMENT = 1 << 20
_ALIGNMENT_KEY = "general.alignment"
_TEMPLATE_KEY = "tokenizer.chat_template"
_TOKENS_KEY = "tokenizer.ggml.tokens"

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_NAMES = {0: "u8", 1: "i8", 2: "u16", 3: "i16", 4: "u32", 5: "i32", 6: "f32", 7: "bool", 8: "str", 10: "u64"}
_NAMES |= {11: "i64", 12: "f64"}
_SIZES = {kind: struct.calcsize("<" + code) for kind, code in _SCALARS.items()}
_STRING, _ARRAY = 8, 9
_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from


class NeedMoreBytes(Exception):
    """The header goes on: at least `count` bytes from the start of the file are needed."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} bytes")
        self.count = count


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array that was walked over: the type of its elements ("str", "f32", …) and how many there are. `bytes`: of a
    vocabulary, for how many of the 256 bytes it has a token as SentencePiece writes them."""

    kind: str
    length: int
    bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as the header lists it. `dimensions` as ggml orders them: the row first; `size` in bytes."""

    name: str
    dimensions: tuple[int, ...]
    kind: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Container:
    """`metadata` values are numbers, bools, strings, short tuples of numbers, or `ArrayOf`; `kinds` their types.

    The table by which a tokenizer of the kind `t5` normalises text is there as bytes.
    """

    version: int
    metadata: dict[str, Any]
    kinds: dict[str, str]
    tensors: tuple[Tensor, ...]
    data_start: int
    size: int


def damaged(en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"This model file is damaged: {en}.", f"该模型文件已损坏：{zh}。"),
        Phrase("Download it again, or get it from another source.", "请重新下载，或从其他来源获取。"),
        code="damaged_file",
    )


def bad_entry(key: str) -> InvalidInput:
    return damaged(f"its entry {key!a} is missing or cannot be", f"条目 {key!a} 缺失或取值不可能")


def truncated() -> InvalidInput:
    return InvalidInput(
        Phrase("This model file is cut off: its end is missing.", "该模型文件不完整：缺少结尾部分。"),
        Phrase("Resume or repeat the download.", "请继续或重新下载。"),
        code="truncated_file",
    )


def _too_long() -> InvalidInput:
    return damaged("one of its texts is impossibly long", "其中一段文本过长")


def not_gguf(en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"This is not a GGUF model file: {en}.", f"这不是 GGUF 模型文件：{zh}。"),
        Phrase("DeskSeek runs models in the GGUF format (.gguf).", "DeskSeek 运行 GGUF 格式（.gguf）的模型。"),
        code="not_gguf",
    )


def foreign(en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"This model file was made for another program: {en}.", f"该模型文件是为其他程序制作的：{zh}。"),
        Phrase("Choose a file made for llama.cpp.", "请选择为 llama.cpp 制作的文件。"),
        code="foreign_fork",
    )


def read_container(head: bytes, size: int) -> Container:
    """Read the header of a GGUF of `size` bytes that begins with `head`.

    Raises `NeedMoreBytes` when `head` ends before the header does, InvalidInput with the codes `not_gguf`,
    `truncated_file`, `damaged_file`, `foreign_fork`.
    """
    return _Reader(head, size).container()


class _Reader:
    def __init__(self, head: bytes, size: int) -> None:
        self._head = head
        self._size = size
        self._position = 0
        self._strings = 0

    def container(self) -> Container:
        version = self._preamble()
        tensor_count, key_count = self._u64(), self._u64()
        if key_count > MOST_KEYS:
            raise damaged("it claims an impossible number of entries", "声明的条目数量不可能存在")
        if tensor_count > MOST_TENSORS:
            raise damaged("it claims an impossible number of tensors", "声明的张量数量不可能存在")
        if key_count * LEAST_ENTRY + tensor_count * LEAST_TENSOR > self._size:
            raise truncated()
        metadata: dict[str, Any] = {}
        kinds: dict[str, str] = {}
        for _ in range(key_count):
            key = self._name(LONGEST_KEY)
            if key in metadata:
                raise damaged(f"the entry {key[:80]!a} is there twice", f"条目 {key[:80]!a} 重复")
            kinds[key], metadata[key] = self._value(key)
        alignment = metadata.get(_ALIGNMENT_KEY, 32)
        if kinds.get(_ALIGNMENT_KEY, "u32") != "u32" or not 1 <= alignment <= LARGEST_ALIGNMENT:
            raise damaged("its alignment is not a number that can be", "对齐值无效")
        if alignment & (alignment - 1):
            raise damaged("its alignment is not a power of two", "对齐值不是 2 的幂")
        tensors = self._tensors(tensor_count, alignment)
        start = -(-self._position // alignment) * alignment
        end = start + sum(-(-tensor.size // alignment) * alignment for tensor in tensors[:-1])
        if tensors and end + tensors[-1].size > self._size:
            raise truncated()
        return Container(version, metadata, kinds, tensors, start, self._size)

    def _preamble(self) -> int:
        if self._size == 0:
            raise not_gguf("the file is empty", "文件为空")
        if not self._head[:4] == MAGIC[: len(self._head[:4])]:
            raise not_gguf("it begins with other bytes", "文件开头不符")
        self._need(8)
        self._position = 4
        version = self._u32()
        if version & 0xFFFF == 0:
            raise not_gguf(
                "it is big-endian, and this machine and nearly all others are little-endian",
                "它采用大端字节序，而本机和绝大多数机器采用小端字节序",
            )
        if version not in VERSIONS:
            raise not_gguf(f"version {version} of the format is not known here", f"不支持该格式的第 {version} 版")
        return version

    def _tensors(self, count: int, alignment: int) -> tuple[Tensor, ...]:
        tensors: list[Tensor] = []
        names: set[str] = set()
        expected = 0
        for _ in range(count):
            name = self._name(LONGEST_NAME)
            if name in names:
                raise damaged(f"the tensor {name!a} is there twice", f"张量 {name!a} 重复")
            names.add(name)
            tensor = self._tensor(name)
            if tensor.offset != expected:
                raise damaged(f"the tensor {name!a} is not where it has to be", f"张量 {name!a} 的位置不正确")
            expected += -(-tensor.size // alignment) * alignment
            tensors.append(tensor)
        return tuple(tensors)

    def _tensor(self, name: str) -> Tensor:
        rank = self._u32()
        if not 1 <= rank <= MOST_DIMENSIONS:
            raise damaged(f"the tensor {name!a} has {rank} dimensions", f"张量 {name!a} 有 {rank} 个维度")
        dimensions = tuple(self._u64() for _ in range(rank))
        number, offset = self._u32(), self._u64()
        elements = 1
        for dimension in dimensions:
            elements *= dimension
            if not 0 < elements <= LARGEST_TENSOR:
                raise damaged(f"the tensor {name!a} has an impossible size", f"张量 {name!a} 的大小不可能存在")
        block = GGML_TYPES.get(number)
        if block is None:
            raise self._unknown_type(name, number)
        if dimensions[0] % block.values:
            raise damaged(
                f"the rows of the tensor {name!a} do not consist of whole {block.name} blocks",
                f"张量 {name!a} 的行不是完整的 {block.name} 块",
            )
        return Tensor(name, dimensions, block.name, offset, elements // block.values * block.size)

    @staticmethod
    def _unknown_type(name: str, number: int) -> InvalidInput:
        if said := foreign_type(number):
            return foreign(said.en, said.zh)
        return damaged(f"the tensor {name!a} has the unknown type {number}", f"张量 {name!a} 的类型 {number} 未知")

    # ---- values

    def _value(self, key: str) -> tuple[str, Any]:
        kind = self._u32()
        if kind == _STRING:
            return "str", self._text(LONGEST_TEMPLATE if key.startswith(_TEMPLATE_KEY) else LONGEST_STRING)
        if kind == _ARRAY:
            return self._array(key)
        code = _SCALARS.get(kind)
        if code is None:
            raise damaged(f"the entry {key[:80]!a} has the unknown type {kind}", f"条目 {key[:80]!a} 的类型未知")
        self._need(_SIZES[kind])
        (value,) = struct.unpack_from("<" + code, self._head, self._position)
        self._position += _SIZES[kind]
        return _NAMES[kind], value

    def _array(self, key: str) -> tuple[str, ArrayOf | tuple[Any, ...] | bytes]:
        kind, length = self._u32(), self._u64()
        if kind == _ARRAY:
            raise damaged(f"the entry {key[:80]!a} has arrays in an array", f"条目 {key[:80]!a} 含有嵌套数组")
        if kind == _STRING:
            self._strings_ahead(length)
            if key == _TOKENS_KEY:
                return "array of str", ArrayOf("str", length, self._check_tokens(length))
            self._skip_strings(length)
            return "array of str", ArrayOf("str", length)
        if kind not in _SCALARS:
            raise damaged(f"the entry {key[:80]!a} has the unknown type {kind}", f"条目 {key[:80]!a} 的类型未知")
        self._need(length * _SIZES[kind])
        start = self._position
        self._position += length * _SIZES[kind]
        if key == CHARSMAP_KEY and _SIZES[kind] == 1 and length <= LARGEST_CHARSMAP:
            return f"array of {_NAMES[kind]}", self._head[start : self._position]
        if length > KEPT_ARRAY:
            return f"array of {_NAMES[kind]}", ArrayOf(_NAMES[kind], length)
        return f"array of {_NAMES[kind]}", struct.unpack_from(f"<{length}{_SCALARS[kind]}", self._head, start)

    def _strings_ahead(self, length: int) -> None:
        self._strings += length
        if self._strings > MOST_STRINGS:
            raise damaged("it claims an impossible number of texts", "声明的文本数量不可能存在")
        if length * 8 > self._size - self._position:
            raise truncated()

    # The two loops below run 300,000 times for a large vocabulary; hence one each, without calls.

    def _skip_strings(self, length: int) -> None:
        head, position, unpack, longest = self._head, self._position, _U64, LONGEST_STRING
        try:
            for _ in range(length):
                count = unpack(head, position)[0]
                if count > longest:
                    raise _too_long()
                position += 8 + count
        except struct.error:
            self._position = position
            self._need(8)
        self._position = position
        self._need(0)

    def _check_tokens(self, length: int) -> int:
        """llama.cpp ends the process when two tokens are the same, as far as C reads them; empty ones may repeat.

        Gives how many bytes have a token."""
        if length > LARGEST_VOCABULARY:
            raise damaged("its vocabulary is impossibly large", "词表过大")
        head, position, unpack, longest, tokens = self._head, self._position, _U64, LONGEST_STRING, []
        keep = tokens.append
        try:
            for _ in range(length):
                count = unpack(head, position)[0]
                if count > longest:
                    raise _too_long()
                start = position + 8
                position = start + count
                keep(head[start:position])
        except struct.error:
            self._position = position
            self._need(8)
        self._position = position
        self._need(0)
        if b"\0" in b"".join(tokens):
            tokens = [token.partition(b"\0")[0] for token in tokens]
        known = set(tokens)
        if len(known) + max(0, tokens.count(b"") - 1) < length:
            raise damaged("a token is twice in its vocabulary", "词表中有重复的 token")
        return sum(b"<0x%02X>" % byte in known or bytes((byte,)) in known for byte in range(256))

    def _name(self, longest: int) -> str:
        length = self._u64()
        if not 0 < length <= longest:
            raise damaged("one of its names is empty or impossibly long", "其中一个名称为空或过长")
        try:
            return self._bytes(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise damaged("one of its names is not text", "其中一个名称不是文本") from error

    def _text(self, longest: int) -> str:
        length = self._u64()
        if length > longest:
            raise _too_long()
        return self._bytes(length).decode("utf-8", errors="replace")

    def _bytes(self, length: int) -> bytes:
        self._need(length)
        start = self._position
        self._position += length
        return self._head[start : self._position]

    def _u32(self) -> int:
        self._need(4)
        self._position += 4
        return _U32(self._head, self._position - 4)[0]

    def _u64(self) -> int:
        self._need(8)
        self._position += 8
        return _U64(self._head, self._position - 8)[0]

    def _need(self, count: int) -> None:
        end = self._position + count
        if end > self._size:
            raise truncated()
        if end > len(self._head):
            raise NeedMoreBytes(end)
