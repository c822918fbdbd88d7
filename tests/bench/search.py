"""A question from its words to the hits of the page, 100,000 and 1,000,000 passages: milliseconds, by words and hybrid.

    python -m tests.bench search [--passages 100000 1000000] [--questions 200] [--dimensions 384] [--library FOLDER]
        [--quick]

Through `Search`, documents of 20 passages, 10 hits with their documents and lit words; made text, made vectors. The
embedding of the question is apart. Targets: p95 under 15 ms by words and 40 ms hybrid at 100,000; 50 and 120 ms at
1,000,000; in all documents, in a collection of ten, and in a tenth by date. `--library`: the library is kept there, and
one that is there is asked, which also says how long the first question after a start takes.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from backends.core.cancel import CancelToken
from backends.documents.index import SearchIndex
from backends.documents.ports import EmbedderIdentity
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Closed, Opened, Scope, SearchRequest, Section
from tests.kit.passages import MadeEmbedder, caught_up, made_passages, made_questions

TARGETS = {100_000: (15.0, 40.0), 1_000_000: (50.0, 120.0)}  # ms, p95: by words, hybrid
OF_A_DOCUMENT = 20
FEW = 10  # documents of a collection that is asked alone


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench search", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--library", type=Path, metavar="FOLDER", help="where the library is kept for the next time")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    if given.quick:
        given.passages, given.questions = [10_000], 50
    good = [measured(count, given.questions, given.dimensions, given.library) for count in given.passages]
    return 0 if all(good) else 1


def measured(count: int, questions: int, dimensions: int, kept: Path | None) -> bool:
    block = list(made_passages(min(count, 20_000)))
    asked = made_questions(block, questions)
    embedder = MadeEmbedder(dimensions)
    target = TARGETS.get(count, TARGETS[100_000])
    print(f"{count:,} passages, {questions} questions")
    with library(block, count, embedder, kept) as folder:
        known = Embedded(embedder, {question: embedder.vector(question) for question in asked})
        before, begun = psutil.Process().memory_info().rss, time.perf_counter()
        with closing(DocumentStore.open(folder / "library.db")) as store:
            index = SearchIndex(store, folder / "search")
            with closing(index):
                opened = time.perf_counter()
                first = list(Search(store, index, known).find(SearchRequest(asked[0]), cancel=CancelToken()))
                said = f"opened in {1000 * (opened - begun):.0f} ms, the first question {1000 * first[-1].seconds:.0f}"
                caught_up(index)
                print(f"  {said} ms", flush=True)
                good = True
                for name, scope in scopes(store, count).items():
                    good &= show(name, "by words", Search(store, index), scope, asked, target[0])
                    good &= show(name, "hybrid", Search(store, index, known), scope, asked, target[1])
                print(f"  memory {(psutil.Process().memory_info().rss - before) / 1e6:+.0f} MB")
    return good


@contextlib.contextmanager
def library(block: Sequence[str], count: int, embedder: MadeEmbedder, kept: Path | None) -> Iterator[Path]:
    """A folder with `library.db` and its index; `kept`: the one that is there, if it is whole."""
    with tempfile.TemporaryDirectory() as other:
        folder = (kept or Path(other)) / f"{count}x{embedder.made.dimensions}"
        whole = folder / "whole"
        if not whole.exists():
            folder.mkdir(parents=True)
            begun = time.monotonic()
            with closing(DocumentStore.open(folder / "library.db")) as store:
                fill(store, block, count, embedder)
                caught_up(SearchIndex(store, folder / "search")).close()
            whole.touch()
            print(f"  made in {time.monotonic() - begun:.0f} s", flush=True)
        yield folder


def scopes(store: DocumentStore, count: int) -> dict[str, Scope]:
    few = next(each.id for each in store.collections() if each.name == "few")
    documents = count // OF_A_DOCUMENT
    return {
        "all": Scope(),
        f"a collection of {FEW}": Scope(collections=(few,)),
        "a tenth, by date": Scope(since=0.5 * documents, until=0.6 * documents),
    }


def fill(store: DocumentStore, block: Sequence[str], count: int, embedder: MadeEmbedder) -> None:
    """Each document a second younger than the one before."""
    default, few = store.default_collection().id, store.add_collection("few").id
    random = np.random.default_rng(0)
    for start in range(0, count, OF_A_DOCUMENT * 100):
        with store.database.atomic():
            for first in range(start, min(count, start + OF_A_DOCUMENT * 100), OF_A_DOCUMENT):
                number = first // OF_A_DOCUMENT
                collection = few if number < FEW else default
                document = store.begin(collection, "", f"document {first}", 1, float(number), str(first))
                sections = [
                    Section(f"{block[(first + n) % len(block)]} {first + n}"[:890]) for n in range(OF_A_DOCUMENT)
                ]
                passages = store.store(document.id, Opened("text"), [*sections, Closed()])
                vectors = random.standard_normal((passages, embedder.made.dimensions), np.float32)
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                store.save_vectors(embedder.made, document.id, 0, vectors.astype("<f2").tobytes())


def show(name: str, how: str, search: Search, scope: Scope, asked: Sequence[str], target: float) -> bool:
    taken: list[float] = []
    computed: list[float] = []  # of it the processor's, which others on the machine change less
    for question in [asked[0], *asked]:
        begun, processor = time.perf_counter(), time.thread_time()
        for _ in search.find(SearchRequest(question, scope=scope, improve=False), cancel=CancelToken()):
            pass
        taken.append(1000 * (time.perf_counter() - begun))
        computed.append(1000 * (time.thread_time() - processor))
    half, most = share(taken[1:], 0.5), share(taken[1:], 0.95)  # the first one learns names and thresholds
    print(
        f"  {name:20} {how:8} p50 {half:6.1f}  p95 {most:6.1f} ms (target {target:.0f}): {target / most:.1f} times as "
        f"fast; of the processor {share(computed[1:], 0.5):.1f} and {share(computed[1:], 0.95):.1f} ms",
        flush=True,
    )
    return most <= target


def share(taken: Sequence[float], of: float) -> float:
    return sorted(taken)[int(len(taken) * of)]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Questions whose vectors are known: embedding them is apart."""

    embedder: MadeEmbedder
    vectors: Mapping[str, bytes]

    def identity(self, cancel: CancelToken) -> EmbedderIdentity:
        return self.embedder.made

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]:
        return self.embedder.embed_passages(texts, cancel)

    def embed_query(self, text: str, cancel: CancelToken) -> bytes:
        return self.vectors[text]
