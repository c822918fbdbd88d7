"""From passages in order to what a person is shown of them."""

import re
from collections.abc import Sequence

from backends.documents import words
from backends.documents.ranking import Candidate, Leg, merged, ranks, select
from backends.documents.store import DocumentStore
from backends.documents.types import Dropped, Hit, SearchRequest, document_of, passage_id

LOOKED_AT = 3  # times as many as are shown
NEWEST = 0.05  # at most, for the newest document where the newest is asked for

_NEWEST = re.compile(r"(?i)\b(?:latest|newest|most recent|up[- ]to[- ]date|current)\b|最新|最近|目前|现行|現行|新版")


def hits(
    store: DocumentStore,
    request: SearchRequest,
    order: Sequence[tuple[int, float]],
    legs: Sequence[Leg],
    terms: Sequence[str],
) -> tuple[list[Hit], list[Dropped]]:
    """The best of `order` with their documents, and what was left out of it and why."""
    candidates = _candidates(store, order[: LOOKED_AT * request.limit])
    if _NEWEST.search(request.text):
        _prefer_newest(candidates)
    chosen, dropped = select(candidates, request.limit, fold=request.fold)
    found = ranks(legs)
    by_id = {candidate.passage.id: candidate.passage for candidate in candidates}
    shown: list[Hit] = []
    for candidate in chosen:
        passage = candidate.passage
        if candidate.first < candidate.last:
            numbers = range(candidate.first, candidate.last + 1)
            parts = [by_id[passage_id(candidate.document.id, number)] for number in numbers]
            text = store.text(candidate.document.id, parts[0].start, parts[-1].end)
            if len(text) == parts[-1].end - parts[0].start:  # it was not read anew meanwhile
                passage = merged(passage, parts, text)
        lit = words.lit(passage.text, terms) if request.lit else ()
        score = min(1.0, candidate.score)
        shown.append(Hit(passage, candidate.document, score, found.get(passage.id, ()), lit, tuple(candidate.also)))
    return shown, dropped


def _candidates(store: DocumentStore, order: Sequence[tuple[int, float]]) -> list[Candidate]:
    documents = {each.id: each for each in store.documents_by_id(list({document_of(id) for id, _ in order}))}
    scores = dict(order)
    return [
        Candidate(passage, documents[passage.document_id], scores[passage.id])
        for passage in store.passages(list(scores))
        if passage.document_id in documents
    ]


def _prefer_newest(candidates: list[Candidate]) -> None:
    dates = sorted({candidate.document.dated or candidate.document.modified for candidate in candidates})
    for candidate in candidates:
        date = candidate.document.dated or candidate.document.modified
        candidate.score += NEWEST * dates.index(date) / max(1, len(dates) - 1)
    candidates.sort(key=lambda candidate: -candidate.score)
