"""Texts as an embedder or a reranker wants to read them: with what the model's maker puts around them, cut to length.

What is put around a text (`[CLS]` and `[SEP]`, `<s>` and `</s>`, an EOS) is asked of llama.cpp itself. The text in
between is never read as control tokens, so that a document with `</s>` in it stays a text. A text that is too long
loses its end, and never what comes after it: with last-token pooling the vector is that of the EOS.

Not as llama-server does: a pair for XLM-R has both `</s></s>` in its middle and a BERT's ends in `[SEP]`, whatever an
older file says, since that is what these models were trained on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.core.cancel import CancelToken
from backends.engine import native
from backends.engine.embedding import EmbedderRequest, Pooling, TextRole

_PIECE = 1 << 18  # characters that are tokenised at a time
_ENDOFTEXT = "<|endoftext|>"
_END_OF_TEXT_MODELS = ("qwen2", "qwen3")  # whose EOS in the file may be that of a chat
_WORD_PIECE, _UNIGRAM = 3, 4  # enum llama_vocab_type


@dataclass(frozen=True, slots=True)
class Tokens:
    """`cut`: tokens of the text that were left out."""

    ids: list[int]
    cut: int


class TextTokens:
    """Lives as long as its Model, on its thread. `context`: tokens of the longest text with all that is around it."""

    def __init__(self, model: native.Model, request: EmbedderRequest, pooling: Pooling, context: int) -> None:
        self._llama, self._vocabulary = native.library().llama, model.vocabulary
        self._handle = self._llama.llama_model_get_vocab(model.handle)
        self._kind: int = self._llama.llama_vocab_type(self._handle)
        self._context = context
        self._prefixes: dict[TextRole, str] = {"query": request.query_prefix, "document": request.document_prefix}
        self._before, self._after = self._around()
        if pooling == "last":
            self._after = self._ending(model.architecture)
        self._middle = self._between()
        template = self._llama.llama_model_chat_template(model.handle, b"rerank")
        self._pair_template = self._parsed(template.decode("utf-8", "replace")) if template else None

    def text(self, text: str, role: TextRole, cancel: CancelToken | None = None) -> Tokens:
        """Raises Cancelled: a text of megabytes takes a while."""
        room = self._context - len(self._before) - len(self._after)
        inner, cut = self._cut(self._prefixes[role] + text, room, cancel)
        return Tokens([*self._before, *inner, *self._after] or [max(self._vocabulary.eos, 0)], cut)

    def pair(self, query: str, document: str, cancel: CancelToken | None = None) -> Tokens:
        """Of a query that takes more than half of the context, the end is cut; else that of the document."""
        if self._pair_template is not None:
            return self._by_template(self._pair_template, query, document, cancel)
        room = self._context - len(self._before) - len(self._middle) - len(self._after)
        asked, cut_query = self._cut(query, room // 2, cancel)
        passage, cut = self._cut(document, room - len(asked), cancel)
        return Tokens([*self._before, *asked, *self._middle, *passage, *self._after], cut_query + cut)

    # ---- what is around

    def _around(self) -> tuple[list[int], list[int]]:
        """What llama.cpp puts before and after a text."""
        alone, framed = self._tokenise("a", False), self._tokenise("a", True)
        for at in range(len(framed) - len(alone) + 1):
            if framed[at : at + len(alone)] == alone:
                return framed[:at], framed[at + len(alone) :]
        return framed, []

    def _ending(self, architecture: str) -> list[int]:
        """What a text ends with whose vector is that of its last token."""
        eos = self._vocabulary.eos
        if architecture in _END_OF_TEXT_MODELS:
            eos = self._vocabulary.marks.get(_ENDOFTEXT, eos)
        elif self._after:
            return self._after
        return [eos] if eos >= 0 else []

    def _between(self) -> list[int]:
        """Query and document of a pair."""
        llama, handle = self._llama, self._handle
        eos, sep = llama.llama_vocab_eos(handle), llama.llama_vocab_sep(handle)
        eos, sep = (eos if eos >= 0 else sep), (sep if sep >= 0 else eos)
        if self._kind == _WORD_PIECE:
            return [sep]
        both = self._kind == _UNIGRAM
        found = [eos] * bool(both or llama.llama_vocab_get_add_eos(handle))
        found += [sep] * bool(both or llama.llama_vocab_get_add_sep(handle))
        return [token for token in found or [sep] if token >= 0]

    # ---- a template with {query} and {document}

    def _parsed(self, template: str) -> list[str | int]:
        """Control tokens as ids, between them text with `{query}` and `{document}` in it."""
        marks = self._vocabulary.marks
        names = sorted((name for name in marks if name in template), key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, names))})", template) if names else [template]
        return [marks.get(part, part) for part in parts if part]

    def _by_template(
        self, template: Sequence[str | int], query: str, document: str, cancel: CancelToken | None
    ) -> Tokens:
        """Text is tokenised together with what stands before it, as it was when the model was trained; what stands
        behind the document too, if the document is short enough."""
        room = self._context - sum(self._fixed(part) for part in template)
        query, cut_query = self._shortened(query, room // 2, cancel)
        room -= len(self._plain(query))
        while True:
            passage, cut = self._shortened(document, room, cancel)
            ids: list[int] = []
            for part in template:
                ids += [part] if isinstance(part, int) else self._plain(_filled(part, query, passage))
            if len(ids) <= self._context or room <= 0:
                return Tokens(ids[-self._context :], cut_query + cut)
            room -= len(ids) - self._context  # cut elsewhere, it falls into other tokens

    def _fixed(self, part: str | int) -> int:
        """Tokens of the template itself; one more at each border, where text and template may be cut otherwise."""
        if isinstance(part, int):
            return 1
        count = part.count("{query}") + part.count("{document}")
        return len(self._plain(_filled(part, "", ""))) + 2 * count

    def _shortened(self, text: str, room: int, cancel: CancelToken | None) -> tuple[str, int]:
        """The text's beginning that takes at most so many tokens, and how many are left out."""
        ids, cut = self._cut(text, room, cancel)
        if not cut:
            return text, 0
        return b"".join(map(self._vocabulary.piece, ids)).decode("utf-8", "ignore"), cut

    # ---- tokens

    def _cut(self, text: str, room: int, cancel: CancelToken | None) -> tuple[list[int], int]:
        ids: list[int] = []
        count = 0
        for part in _parts(text):
            if cancel is not None:
                cancel.check()
            found = self._plain(part)
            count += len(found)
            ids += found[: max(0, room - len(ids))]
        return ids, count - len(ids)

    def _plain(self, text: str) -> list[int]:
        """Unigram and WordPiece read a long line as it is; the others in parts (native.Vocabulary)."""
        if self._kind in (_WORD_PIECE, _UNIGRAM):
            return self._tokenise(text, False)
        return self._vocabulary.tokenise(text)

    def _tokenise(self, text: str, framed: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        ids = (self._llama.llama_token * (len(data) + 8))()
        count = self._llama.llama_tokenize(self._handle, data, len(data), ids, len(ids), framed, False)
        if count < 0:
            ids = (self._llama.llama_token * -count)()
            count = self._llama.llama_tokenize(self._handle, data, len(data), ids, len(ids), framed, False)
        return ids[:count]


def _filled(part: str, query: str, document: str) -> str:
    """In one go: a query may hold `{document}`."""
    words = {"{query}": query, "{document}": document}
    return re.sub(r"\{query\}|\{document\}", lambda found: words[found[0]], part)


def _parts(text: str) -> Iterator[str]:
    """A long text in pieces, between two words where there are some."""
    begin = 0
    while len(text) - begin > _PIECE:
        end = text.rfind(" ", begin + _PIECE // 2, begin + _PIECE)
        end = end if end > 0 else begin + _PIECE
        yield text[begin:end]
        begin = end
    yield text[begin:]
