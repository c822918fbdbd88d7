"""What a search needs of models, fulfilled: vectors and order by those of this disk, translations by the chat model.

`documents.ports` says what is promised. None of it is needed: without models a search goes by the words alone.
"""

import threading
from collections.abc import Sequence

from backends.chat.prompts import filled
from backends.core.cancel import CancelToken
from backends.documents import words
from backends.documents.ports import EmbedderIdentity
from backends.engine.generation import Finished, GenerateRequest, Sampling, TextDelta, Turn
from backends.engine.protocol import Engine
from backends.services.descent import within
from backends.services.embedding import EmbeddingServices

__all__ = ["ChatTranslator", "LibraryEmbedder", "LibraryReranker"]

PREFIX_VERSION = 1  # of the prefixes that are put before texts
MULTILINGUAL = ("bge-m3", "qwen3-embedding", "multilingual", "gte-qwen", "e5-mistral", "labse", "jina-embeddings-v3")
LONGEST = 64  # tokens of a translation
DEADLINE = 2.0  # seconds


class LibraryEmbedder:
    """The embedder of this disk; loaded when first asked."""

    def __init__(self, embedding: EmbeddingServices) -> None:
        self._embedding = embedding

    def identity(self, cancel: CancelToken) -> EmbedderIdentity | None:
        model = self._embedding.model
        if model is None:
            return None
        for _ in within(self._embedding.load(), cancel):
            pass
        loaded = self._embedding.loaded
        if loaded is None:  # it went in the same moment
            return None
        return EmbedderIdentity(
            f"{loaded.identity}.{PREFIX_VERSION}",
            model.name,
            model.quant,
            loaded.pooling,
            PREFIX_VERSION,
            loaded.dimensions,
            _knows_languages(model.catalog_id or "", model.name, model.path.name),
        )

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]:
        events = within(self._embedding.embed(texts, "document"), cancel)
        return [vector for event in events for vector in event.vectors]

    def embed_query(self, text: str, cancel: CancelToken) -> bytes:
        vectors = [
            vector for event in within(self._embedding.embed([text], "query"), cancel) for vector in event.vectors
        ]
        return vectors[0]


class LibraryReranker:
    """The reranker of this disk; loaded when first asked."""

    def __init__(self, embedding: EmbeddingServices) -> None:
        self._embedding = embedding

    @property
    def ready(self) -> bool:
        return self._embedding.reranker is not None

    def scores(self, question: str, texts: Sequence[str], cancel: CancelToken) -> list[float]:
        events = within(self._embedding.rerank(question, texts), cancel)
        return [score for event in events for score in event.scores]


class ChatTranslator:
    """The chat model, if one is loaded: it does not think, says little, and has two seconds."""

    def __init__(self, engine: Engine, deadline: float = DEADLINE) -> None:
        self._engine, self._deadline = engine, deadline

    @property
    def ready(self) -> bool:
        return self._engine.model is not None

    def translate(self, question: str, to: str, cancel: CancelToken) -> str:
        """ "" if it took too long, or if what it said is not in that language."""
        prompt = filled("translate", "zh" if to == "zh" else "en", question=question)
        request = GenerateRequest(
            [Turn("user", prompt)],
            Sampling(temperature=0.0),
            max_tokens=LONGEST,
            thinking=False,
            thinking_budget=0,
        )
        stream = self._engine.generate(request)
        late = threading.Timer(self._deadline, stream.cancel)
        late.name, late.daemon = "translation", True
        late.start()
        said, ended = "", False
        try:
            for event in within(stream, cancel):
                if isinstance(event, TextDelta):
                    said += event.text
                elif isinstance(event, Finished):
                    ended = event.finish_reason in ("stop", "length")
        finally:
            late.cancel()
        translated = _first_line(said.rpartition("</think>")[2])  # some close it once more
        return translated if ended and words.language(translated) == to else ""


def _first_line(text: str) -> str:
    """What was said first, without the quotes around it."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return line.strip().strip("\"'“”「」『』 ")


def _knows_languages(*names: str) -> bool:
    """Whether an embedder of one of these names is known to serve Chinese and English in one space."""
    spelled = " ".join(names).lower().replace("_", "-").replace(" ", "-")
    return any(known in spelled for known in MULTILINGUAL)
