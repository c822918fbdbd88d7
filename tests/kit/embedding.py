"""How tests hear an embedder or a reranker."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.engine.embedder import NativeEmbedder
from backends.engine.embedding import Embedded, EmbedderLoaded, EmbedderRequest, LoadedEmbedder, Ranked, TextRole

LoadEmbedder = Callable[..., LoadedEmbedder]
CLOSE = 1e-3  # of numbers of some 0.1: what the size of a batch changes in f16
TEXTS = [
    "where is the cat",
    "a",
    "the cat is on the mat, and the dog is in the fog.",
    "一是不了人我在有他",
    "one two three four five six seven eight nine ten " * 3,
    "where was the cat? it was in the hat.",
]
MANY = [f"{TEXTS[n % len(TEXTS)]} {n}" for n in range(50)]


def loaded(embedder: NativeEmbedder, path: Path, **options: Any) -> LoadedEmbedder:
    last = list(embedder.load(EmbedderRequest(path, gpu_layers=0, **options)))[-1]
    assert isinstance(last, EmbedderLoaded)
    assert embedder.model == last.model
    return last.model


def vectors(events: Sequence[Embedded]) -> np.ndarray:
    """One row a text; the events follow each other."""
    assert [event.first for event in events] == list(np.cumsum([0, *(len(event.vectors) for event in events)])[:-1])
    assert all(len(event.vectors) == len(event.cut) for event in events)
    return np.array([np.frombuffer(vector, "<f4") for event in events for vector in event.vectors])


def embedded(embedder: NativeEmbedder, texts: Sequence[str], role: TextRole = "document") -> np.ndarray:
    return vectors(list(embedder.embed(texts, role)))


def scores(events: Sequence[Ranked]) -> list[float]:
    return [score for event in events for score in event.scores]
