"""Stores with made documents, and the data sets of questions and passages."""

import itertools
import json
import lzma
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.cancel import CancelToken
from backends.core.errors import EngineError
from backends.core.phrase import Phrase
from backends.documents.index import SearchIndex
from backends.documents.ports import EmbedderIdentity
from backends.documents.store import DocumentStore
from backends.documents.types import Closed, Opened, Section

HAN = "".join(chr(0x4E00 + 7 * n) for n in range(2_000))


def stored(store: DocumentStore, name: str, *texts: str, title: str = "", collection: int | None = None) -> int:
    """A document of sections; its id."""
    chosen = collection or store.default_collection().id
    document = store.begin(chosen, "", name, sum(map(len, texts)), 0.0, name)
    store.store(document.id, Opened("text", title), [*(Section(text) for text in texts), Closed()])
    return document.id


def caught_up(index: SearchIndex) -> SearchIndex:
    list(index.catch_up(cancel=CancelToken()))
    return index


def compacted(index: SearchIndex) -> SearchIndex:
    list(index.compact(cancel=CancelToken()))
    return index


class MadeEmbedder:
    """Vectors of a text's letters: alike for alike texts, the same each time. `refused`: texts that hold it fail."""

    def __init__(self, dimensions: int = 64, key: str = "made", refused: str = "\0") -> None:
        self.made = EmbedderIdentity(key, "Made", "F32", "mean", 1, dimensions, True)
        self.refused = refused
        self.texts: list[str] = []

    def identity(self, cancel: CancelToken) -> EmbedderIdentity | None:
        return self.made

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]:
        if any(self.refused in text for text in texts):
            raise EngineError(Phrase("It cannot be read.", "无法读取。"))
        self.texts += texts
        return [self.vector(text) for text in texts]

    def embed_query(self, text: str, cancel: CancelToken) -> bytes:
        return self.vector(text)

    def vector(self, text: str) -> bytes:
        made = np.zeros(self.made.dimensions, "<f4")
        for one, other in itertools.pairwise(text):
            made[hash_of(one, other, self.made.key) % len(made)] += 1
        return (made / max(float(np.linalg.norm(made)), 1e-9)).astype("<f4").tobytes()


def hash_of(*parts: str) -> int:
    made = 17
    for character in "".join(parts):
        made = (made * 31 + ord(character)) & 0xFFFFFFFF
    return made


# ---- data sets (see ../shared/data/README.md; not part of the project)


@dataclass(frozen=True, slots=True)
class DataSet:
    name: str
    passages: list[dict[str, Any]]
    queries: list[dict[str, Any]]


def data_set(folder: Path, name: str) -> DataSet:
    def lines(file: str) -> list[dict[str, Any]]:
        with lzma.open(folder / name / file, "rt", encoding="utf-8") as rows:
            return [json.loads(row) for row in rows]

    return DataSet(name, lines("passages.jsonl.xz"), lines("queries.jsonl.xz"))


# ---- made text for figures of speed


def made_passages(count: int, seed: int = 0) -> Iterator[str]:
    """60 of 100 Chinese, of 400 characters, the others English, of 900; words as often as in texts (Zipf)."""
    choose = random.Random(seed)
    words = ["".join(choose.choices("etaoinshrdlucmfwypvbgkjqxz", k=2 + n % 9)) for n in range(40_000)]
    weights = _zipf(len(words))
    pairs = ["".join(choose.choices(HAN, k=choose.choice((1, 2, 2, 2, 3)))) for _ in range(30_000)]
    pair_weights = _zipf(len(pairs))
    for number in range(count):
        if number % 5 < 3:
            made = choose.choices(pairs, cum_weights=pair_weights, k=210)
            for at in range(9, len(made), 10):
                made[at] += "，" if at % 20 else "。"
            yield "".join(made)[:400]
        else:
            yield " ".join(choose.choices(words, cum_weights=weights, k=140))[:900]


def made_questions(passages: Iterable[str], count: int, seed: int = 1) -> list[str]:
    """Pieces of those texts, as long as questions are."""
    choose = random.Random(seed)
    texts = list(passages)
    found = []
    for _ in range(count):
        text = choose.choice(texts)
        if text.isascii():
            each = text.split()
            at = choose.randrange(max(1, len(each) - 10))
            found.append(" ".join(each[at : at + 8]))
        else:
            at = choose.randrange(max(1, len(text) - 16))
            found.append(text[at : at + 14])
    return found


def _zipf(count: int) -> list[float]:
    total, made = 0.0, []
    for n in range(count):
        total += 1 / (n + 3)
        made.append(total)
    return made
