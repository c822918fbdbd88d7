"""The X-ray of an answer: what was found, by which method, what was dropped and why, and what the model really got.

Kept with the message as compressed JSON.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from backends.documents.types import Found
from backends.engine.protocol import Turn

_FORM = 1


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """`source`: the [n] that it became; None: it was found and not given to the model. `ranks`: (method, rank from 1,
    score). `name` of the file."""

    passage_id: int
    document_id: int
    document: str
    page: int
    score: float
    ranks: tuple[tuple[str, int, float], ...]
    source: int | None
    text: str
    name: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class DroppedPassage:
    """`why`: duplicate, diversity, threshold, limit, room."""

    passage_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens of a part of the prompt: instructions, documents, conversation, question, template, and `answer`, what
    is left for it."""

    name: str
    tokens: int


@dataclass(frozen=True, slots=True)
class XRay:
    """`searched_for`: the question as it was searched (rewritten); `translated` into the other language too. `whole`:
    the documents went in whole and nothing was searched."""

    question: str
    searched_for: str = ""
    translated: str = ""
    whole: bool = False
    enough: bool = True
    documents_read: int = 0
    documents_searched: int = 0
    methods: tuple[str, ...] = ()
    found: tuple[FoundPassage, ...] = ()
    dropped: tuple[DroppedPassage, ...] = ()
    prompt: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    narrowed: tuple[str, ...] = ()  # words of the question that said which documents
    seconds: float = 0.0


def found_passages(found: Found, sources: Sequence[tuple[int, int, int, int]]) -> tuple[FoundPassage, ...]:
    """`sources`: (n, document_id, start, end)."""
    return tuple(
        FoundPassage(
            hit.passage.id,
            hit.document.id,
            hit.document.title or hit.document.name,
            hit.passage.page,
            hit.score,
            tuple((rank.method, rank.rank, rank.score) for rank in hit.ranks),
            next(
                (
                    n
                    for n, document_id, start, end in sources
                    if document_id == hit.document.id and start <= hit.passage.start and hit.passage.end <= end
                ),
                None,
            ),
            hit.passage.text,
            hit.document.name,
            hit.passage.label,
        )
        for hit in found.hits
    )


def prompt_of(turns: Sequence[Turn]) -> tuple[tuple[str, str], ...]:
    return tuple((turn.role, turn.content) for turn in turns)


def packed(xray: XRay) -> bytes:
    return zlib.compress(json.dumps({"form": _FORM, **asdict(xray)}, ensure_ascii=False).encode("utf-8", "replace"))


def unpacked(kept: bytes) -> XRay | None:
    """None: written in another form, or damaged."""
    try:
        said = json.loads(zlib.decompress(kept))
    except (zlib.error, ValueError):
        return None
    if said.pop("form", None) != _FORM:
        return None
    said["methods"], said["narrowed"] = tuple(said["methods"]), tuple(said.get("narrowed", ()))
    said["found"] = tuple(
        FoundPassage(**{**one, "ranks": tuple((m, r, s) for m, r, s in one["ranks"])}) for one in said["found"]
    )
    said["dropped"] = tuple(DroppedPassage(**one) for one in said["dropped"])
    said["prompt"] = tuple((role, text) for role, text in said["prompt"])
    said["parts"] = tuple(Part(**one) for one in said["parts"])
    return XRay(**said)
