"""A vocabulary for made models: bytes, DeepSeek's special tokens, and pieces of known text.

Byte-level BPE as in GPT-2: every byte is written as one visible character. There are no merges, so text
that comes in is always read byte by byte; the pieces are only ever *spoken*.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gguf import GGUFWriter, TokenType

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
THINK = "<think>"
END_THINK = "</think>"

CONTROL = (
    BOS, EOS, USER, ASSISTANT, "<|EOT|>",
    "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>", "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>",
    "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>",
)  # fmt: skip


def _byte_characters() -> list[str]:
    """GPT-2's visible character for every byte (bytes_to_unicode)."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    characters = {byte: chr(byte) for byte in visible} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}
    return [characters[byte] for byte in range(256)]


_BYTES = _byte_characters()


def written(text: bytes) -> str:
    """How the vocabulary writes these bytes."""
    return "".join(_BYTES[byte] for byte in text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]

    @classmethod
    def make(
        cls,
        pieces: Iterable[bytes] = (),
        words: Iterable[str] = (),
        size: int = 0,
        *,
        heard: bool = False,
        spelt: bool = False,
    ) -> "Vocabulary":
        """Bytes, special tokens, `words` (recognised in any text), `pieces`, then unused tokens up to `size`.

        `heard`: pieces are recognised in any text, too. `spelt`: `<think>` and `</think>` are not, as where a
        vocabulary writes them in several tokens.
        """
        entries = [(character, TokenType.NORMAL) for character in _BYTES]
        entries += [(token, TokenType.CONTROL) for token in CONTROL]
        entries += [(token, TokenType.NORMAL if spelt else TokenType.USER_DEFINED) for token in (THINK, END_THINK)]
        entries += [(word, TokenType.USER_DEFINED) for word in words]
        kind = TokenType.USER_DEFINED if heard else TokenType.NORMAL
        entries += [(piece.decode() if heard else written(piece), kind) for piece in pieces if len(piece) > 1]
        entries += [(written(f" w{n}".encode()), TokenType.NORMAL) for n in range(size - len(entries))]
        tokens = tuple(token for token, _ in entries)
        assert len(set(tokens)) == len(tokens), "a piece of the vocabulary is there twice"
        return cls(tokens, tuple(kind for _, kind in entries))

    def special(self, token: str) -> int:
        return self.tokens.index(token)

    def piece(self, text: bytes) -> int:
        return self.tokens.index(known if (known := written(text)) in self.tokens else text.decode())

    def write(self, writer: GGUFWriter, template: str | None, pre: str = "deepseek-r1-qwen") -> None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(list(self.tokens))
        writer.add_token_types([int(kind) for kind in self.types])
        writer.add_token_merges([f"{_BYTES[0]} {_BYTES[0]}"])  # the loader wants one; it never applies
        writer.add_bos_token_id(self.special(BOS))
        writer.add_eos_token_id(self.special(EOS))
        writer.add_pad_token_id(self.special(EOS))
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(False)
        if template is not None:
            writer.add_chat_template(template)


def cut(text: str, taken: set[bytes], torn: bool = False) -> list[bytes]:
    """Cut `text` into pieces none of which is in `taken` (they are added to it).

    A piece is a word with the space before it, or one Chinese character, and longer where that was taken
    already. `torn` puts the borders inside the characters that have several bytes.
    """
    pattern = r"\s*[^\s\u2e80-\uffff]+|\s*[\u2e80-\uffff]|\s+|."
    atoms = [match.encode() for match in re.findall(pattern, text, re.DOTALL)]
    if torn:
        atoms = _torn(atoms)
    pieces: list[bytes] = []
    piece = b""
    for atom in atoms:
        piece += atom
        if piece not in taken and piece != b"\n":
            taken.add(piece)
            pieces.append(piece)
            piece = b""
    while piece:
        if not pieces:
            raise ValueError(f"{text!r} is too short to be told apart from other texts")
        last = pieces.pop()
        taken.discard(last)
        piece = last + piece
        if piece not in taken:
            taken.add(piece)
            pieces.append(piece)
            piece = b""
    return pieces


def _torn(atoms: Sequence[bytes]) -> list[bytes]:
    """Move the first byte of every atom that begins with a long character to the atom before it."""
    torn: list[bytes] = []
    for atom in atoms:
        if torn and atom[0] >= 0xC0:
            torn[-1] += atom[:1]
            atom = atom[1:]
        torn.append(atom)
    return torn
