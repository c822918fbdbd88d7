"""A question -> the passages that answer it, best first.

    search = Search(store, index, embedder, reranker, translator)
    for found in search.find(SearchRequest("how long is the notice period?"), cancel=cancel): ...

    1  full text, in the documents that the question names (`scope`), at once
    2  vectors, fused with it (`ranking`)                                       where there is an embedder
    3  the question in the other language, if documents are in that             where a chat model is loaded
    4  the best fifty put in order                                              where there is a reranker

Each step gives a better `Found`; the last one is final. What fails in 2 to 4 is told in `methods`, and what was found
before stays. Nothing of it needs a model.
"""

import logging
import random
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.documents import ranking, words
from backends.documents.hits import hits
from backends.documents.index import SearchIndex
from backends.documents.ports import Embedder, Reranker, Translator
from backends.documents.ranking import Leg
from backends.documents.scope import Names
from backends.documents.store import DocumentStore
from backends.documents.thresholds import Thresholds, leads, samples
from backends.documents.types import Chip, Found, Language, SearchRequest, document_of, passage_id

log = logging.getLogger(__name__)

DEPTH = 100  # passages a list gives
RERANKED = 50
NAMES = 100_000  # documents whose names are known: of more, they take too long to read and too much memory
NAMES_AGAIN = 10_000  # changes, after which it may be fewer: to count them takes long, too
NAMED_HOLD = 0.75  # of the best score in all documents: so much the named ones must have, if they are …
FEW_NAMED = 8  # documents at most; of a name that more have (a subject, rather), the best of all must be one
OTHERS = 0.3  # of the documents are in the other language: it is asked in that, too
REST = 30.0  # seconds in which what has failed is not tried again: loading a model that does not fit takes long
LEARNING = 0.3  # seconds at most, in one search
ANSWERS, ANSWERS_NOT = 0.5, 0.1  # scores of a reranker: it is there; it is not
_OTHER: Mapping[Language, Language] = {"zh": "en", "en": "zh"}
_EQUAL = 1e-4  # scores of one passage that differ by less
_LOOKED_AT = 300  # documents by which the languages of a scope are judged


class Search:
    """One for all threads. It keeps what documents are called and what was learned of the index."""

    def __init__(
        self,
        store: DocumentStore,
        index: SearchIndex,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        translator: Translator | None = None,
    ) -> None:
        self.store, self.index = store, index
        self.embedder, self.reranker, self.translator = embedder, reranker, translator
        self.thresholds = Thresholds()
        self.names = Names()
        self.resting: dict[str, tuple[float, str]] = {}  # methods that failed: not tried before then, and why
        self._following = threading.Lock()
        self._names_again = 0  # the number of the change from which on it is asked again whether there are fewer
        self._learning = threading.Lock()

    def find(self, request: SearchRequest, *, cancel: CancelToken) -> Iterator[Found]:
        """Raises StorageError if the documents cannot be read."""
        yield from _Finding(self, request, cancel).steps()

    def follow_names(self) -> None:
        """Know what documents are called that came, changed or went since."""
        with self._following:
            if not self.names.sequence:
                if self.store.sequence < self._names_again:
                    return
                if self.store.count(status="ready") > NAMES:
                    self._names_again = self.store.sequence + NAMES_AGAIN
                    return
            while changes := self.store.changes(self.names.sequence):
                for change in changes:
                    self.names.remove(change.document_id)
                staying = [change.document_id for change in changes if not change.gone]
                for document in self.store.documents_by_id(staying):
                    self.names.add(document)
                self.names.sequence = changes[-1].sequence
                if len(self.names) > NAMES:
                    self.names, self._names_again = Names(), self.store.sequence + NAMES_AGAIN
                    return

    def learn(self, cancel: CancelToken) -> None:
        """Thresholds, where the documents have changed much since they were learned; 0.3 s at most."""
        documents = self.store.visible()
        if not self.thresholds.stale(len(documents)) or not self._learning.acquire(blocking=False):
            return
        try:
            until = time.monotonic() + LEARNING
            absent: dict[Language, list[float]] = {}
            for document_id, asked, language in samples(documents, self._piece_of):
                cancel.check()
                if time.monotonic() > until:
                    break
                found = self.index.text(asked, DEPTH, None)
                own = self._parts_of(document_id, {document_of(passage) for passage, _ in found.matches})
                others = [score for passage, score in found.matches if document_of(passage) not in own]
                if found.idf_sum and (others or len(found.matches) < DEPTH):
                    absent.setdefault(language, []).append(max(others, default=0.0) / found.idf_sum)
            for language, scores in absent.items():
                self.thresholds.learn(language, scores)
            self.thresholds.documents = len(documents)
        finally:
            self._learning.release()

    def _parts_of(self, document_id: int, among: set[int]) -> set[int]:
        """It and those of the same title: parts of one text (lines of a JSONL file), or copies."""
        documents = self.store.documents_by_id([document_id, *among])
        titles = {document.title for document in documents if document.id == document_id and document.title}
        return {document_id} | {document.id for document in documents if document.title in titles}

    def _piece_of(self, document_id: int, choose: random.Random) -> tuple[str, Language]:
        for document in self.store.documents_by_id([document_id]):
            number = choose.randrange(max(1, document.passages))
            for passage in self.store.passages([passage_id(document_id, number)]):
                return passage.text, words.language(passage.text)
        return "", ""


class _Finding:
    """One question on its way."""

    def __init__(self, search: Search, request: SearchRequest, cancel: CancelToken) -> None:
        self._search, self._request, self._cancel = search, request, cancel
        self._begun = time.perf_counter()
        self._language: Language = words.language(request.text)
        self._terms = words.query_terms(request.text)
        self._visible: array[int] = search.store.visible(request.scope)
        self._ids: array[int] | None = None  # of the documents that the question names
        self._chips: tuple[Chip, ...] = ()
        self._texts: list[tuple[Leg, Language]] = []
        self._vector: Leg | None = None
        self._meant = False  # the vectors tell languages apart no more
        self._judged: dict[int, float] = {}
        self._translated = ""
        self._methods: list[str] = ["text"]

    def steps(self) -> Iterator[Found]:
        search, improve = self._search, self._request.improve
        if not self._terms or not len(self._visible):
            yield self._found(final=True)
            return
        search.follow_names()
        self._texts.append((self._by_text(self._request.text, "text"), self._language))
        if improve and self._more_follows:
            yield self._found(final=False)
        search.learn(self._cancel)
        if search.embedder is not None:
            better = self._attempt("vector", self._by_vector)
            if better and improve and (self._translates or self._reranks):
                yield self._found(final=False)
        if improve and self._translates and self._attempt("translation", self._in_other_language) and self._reranks:
            yield self._found(final=False)
        if improve and self._reranks:
            self._attempt("rerank", self._rerank)
        self._cancel.check()
        yield self._found(final=True)

    @property
    def _more_follows(self) -> bool:
        return self._search.embedder is not None or self._translates or self._reranks

    @property
    def _translates(self) -> bool:
        translator = self._search.translator
        return translator is not None and translator.ready and not self._meant

    @property
    def _reranks(self) -> bool:
        return self._search.reranker is not None and self._search.reranker.ready and bool(self._order())

    def _attempt(self, method: str, step: Callable[[], bool]) -> bool:
        """Whether it made anything better. What it cannot do is told, and the search goes on."""
        self._cancel.check()
        until, why = self._search.resting.get(method, (0.0, ""))
        try:
            done = time.monotonic() >= until and step()
        except BackendError as error:
            log.warning("search without %s: %s", method, error)
            self._search.resting[method] = until, why = time.monotonic() + REST, error.code
            done = False
        if time.monotonic() < until:
            self._methods.append(f"{method} failed ({why})")
        if done:
            self._methods.append(method)
        return done

    # ---- the steps

    def _by_text(self, question: str, method: str) -> Leg:
        """In the documents that it names, if these hold about as much of it as all do."""
        every = self._full_text(question, method, self._ids)
        if self._ids is None:
            named = self._search.names.named(question, self._visible, self._request.without)
            if named is not None:
                there = self._full_text(question, method, named.ids)
                least = NAMED_HOLD if len(named.ids) <= FEW_NAMED else 1.0
                if there.matches and there.matches[0][1] >= least * every.matches[0][1] - _EQUAL:
                    self._ids, self._chips = named.ids, named.chips
                    return there
        return every

    def _full_text(self, question: str, method: str, ids: "array[int] | None") -> Leg:
        found = self._search.index.text(question, DEPTH, self._visible if ids is None else ids)
        return Leg(method, found.matches, found.idf_sum)

    def _by_vector(self) -> bool:
        embedder = self._search.embedder
        identity = embedder.identity(self._cancel) if embedder else None
        if embedder is None or identity is None or not ranking.may_vote(identity, self._language):
            return False
        vector = embedder.embed_query(self._request.text, self._cancel)
        ids = self._visible if self._ids is None else self._ids
        matches = self._search.index.vector(vector, identity, DEPTH, ids)
        if not identity.multilingual:
            written = self._search.store.languages(list({document_of(passage) for passage, _ in matches}))
            matches = [match for match in matches if written.get(document_of(match[0])) != "zh"]
        self._meant = identity.multilingual and bool(matches)
        self._vector = Leg("vector", matches)
        return bool(matches)

    def _in_other_language(self) -> bool:
        other = _OTHER.get(self._language, "")
        share = self._share(other) if other else 0.0
        if not share or (share < OTHERS and self._enough()):
            return False
        assert self._search.translator is not None
        translated = self._search.translator.translate(self._request.text, other, self._cancel).strip()
        if not translated or translated == self._request.text:
            return False
        self._translated = translated
        leg = self._by_text(translated, "text:translated")
        if self._ids is not None:
            self._texts = [(self._within(leg), language) for leg, language in self._texts]
        self._texts.append((leg, other))
        self._terms += [term for term in words.query_terms(translated) if term not in self._terms]
        return bool(leg.matches)

    def _rerank(self) -> bool:
        assert self._search.reranker is not None
        passages = self._search.store.passages([passage for passage, _ in self._order()[:RERANKED]])
        question = self._request.text
        scores = self._search.reranker.scores(question, [passage.text for passage in passages], self._cancel)
        self._judged = dict(zip((passage.id for passage in passages), scores, strict=True))
        return bool(scores)

    # ---- what it comes to

    def _order(self) -> list[tuple[int, float]]:
        if not self._texts:
            return []
        text = self._texts[0][0] if len(self._texts) == 1 else ranking.together([leg for leg, _ in self._texts])
        order = ranking.fuse(text, self._vector)
        return ranking.reranked(order, self._judged) if self._judged else order

    def _enough(self) -> bool:
        best = max(self._judged.values(), default=None)
        if best is not None and not ANSWERS_NOT < best < ANSWERS:
            return best >= ANSWERS
        thresholds = self._search.thresholds
        held = max((leg.evidence / thresholds.of(language) for leg, language in self._texts), default=0.0)
        if held >= 1.0 or self._vector is None or not self._vector.matches:
            return held >= 1.0
        first = {passage for leg, _ in self._texts for passage, _ in leg.matches[:3]}
        agreed = self._vector.matches[0][0] in first and held >= 0.75
        return agreed or (self._meant and leads([score for _, score in self._vector.matches]))

    def _share(self, language: Language) -> float:
        """Of the documents, in that language."""
        ids = list(self._visible[:: max(1, len(self._visible) // _LOOKED_AT)])
        written = self._search.store.languages(ids)
        return sum(each == language for each in written.values()) / max(1, len(written))

    def _within(self, leg: Leg) -> Leg:
        assert self._ids is not None
        named = set(self._ids)
        return Leg(leg.method, [match for match in leg.matches if document_of(match[0]) in named], leg.unit)

    def _found(self, *, final: bool) -> Found:
        legs = [leg for leg, _ in self._texts] + ([self._vector] if self._vector else [])
        if self._judged:
            legs.append(Leg("rerank", sorted(self._judged.items(), key=lambda item: -item[1])))
        store, request = self._search.store, self._request
        shown, dropped = hits(store, request, self._order(), legs, self._terms)
        return Found(
            tuple(shown),
            enough=bool(shown) and self._enough(),
            final=final,
            searched=len(self._visible if self._ids is None else self._ids),
            chips=self._chips,
            translated=self._translated,
            dropped=tuple(dropped),
            seconds=time.perf_counter() - self._begun,
            waiting=store.waiting(request.scope),
            methods=tuple(self._methods),
        )
