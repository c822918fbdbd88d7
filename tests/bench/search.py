"""A question from its words to the hits of the page, 100,000 and 1,000,000 passages: milliseconds, by words and hybrid.

    python -m tests.bench search [--passages 100000 1000000] [--questions 200] [--dimensions 384] [--quick]

Through `Search`, documents of 20 passages, 10 hits with their documents and lit words; made text, made vectors. The
embedding of the question is apart. Targets: p95 under 15 ms by words and 40 ms hybrid at 100,000; 50 and 120 ms at
1,000,000.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from backends.core.cancel import CancelToken
from backends.documents.index import SearchIndex
from backends.documents.ports import Embedder
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Closed, Opened, SearchRequest, Section
from tests.kit.passages import MadeEmbedder, caught_up, made_passages, made_questions

TARGETS = {100_000: (15.0, 40.0), 1_000_000: (50.0, 120.0)}  # ms, p95: by words, hybrid
OF_A_DOCUMENT = 20


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench search", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    if given.quick:
        given.passages, given.questions = [10_000], 50
    good = [measured(count, given.questions, given.dimensions) for count in given.passages]
    return 0 if all(good) else 1


def measured(count: int, questions: int, dimensions: int) -> bool:
    block = list(made_passages(min(count, 20_000)))
    asked = made_questions(block, questions)
    embedder = MadeEmbedder(dimensions)
    print(f"{count:,} passages, {questions} questions")
    with tempfile.TemporaryDirectory() as folder, closing(DocumentStore.open(Path(folder) / "library.db")) as store:
        begun = time.monotonic()
        fill(store, block, count, embedder)
        index = SearchIndex(store, Path(folder) / "search")
        with closing(caught_up(index)):
            print(f"  made in {time.monotonic() - begun:.0f} s")
            words = show("by words", Search(store, index), asked, TARGETS.get(count, TARGETS[100_000])[0])
            return (
                show("hybrid", Search(store, index, embedder), asked, TARGETS.get(count, TARGETS[100_000])[1]) and words
            )


def fill(store: DocumentStore, block: Sequence[str], count: int, embedder: MadeEmbedder) -> None:
    collection, random = store.default_collection().id, np.random.default_rng(0)
    for start in range(0, count, OF_A_DOCUMENT * 100):
        with store.database.atomic():
            for first in range(start, min(count, start + OF_A_DOCUMENT * 100), OF_A_DOCUMENT):
                document = store.begin(collection, "", f"document {first}", 1, 0.0, str(first))
                sections = [
                    Section(f"{block[(first + n) % len(block)]} {first + n}"[:890]) for n in range(OF_A_DOCUMENT)
                ]
                passages = store.store(document.id, Opened("text"), [*sections, Closed()])
                vectors = random.standard_normal((passages, embedder.made.dimensions), np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                store.save_vectors(embedder.made, document.id, 0, vectors.astype("<f2").tobytes())


def show(name: str, search: Search, asked: Sequence[str], target: float) -> bool:
    taken: list[float] = []
    embedder: Embedder | None = search.embedder
    token = CancelToken()
    for question in [asked[0], *asked]:
        apart = time.perf_counter()
        if embedder is not None:
            embedder.embed_query(question, token)
        begun = time.perf_counter()
        for _ in search.find(SearchRequest(question, improve=False), cancel=token):
            pass
        taken.append(1000 * (time.perf_counter() - begun - (begun - apart)))
    taken = sorted(taken[1:])  # the first one learns names and thresholds
    half, most = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"  {name:10} p50 {half:6.1f}  p95 {most:6.1f} ms (target {target:.0f}): {target / most:.1f} times as fast")
    return most <= target
