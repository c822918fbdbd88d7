"""What goes into a prompt: whole documents where they fit, else the best passages that do, in the order of the text."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.chat.evidence import Limits, best, block, fence, nothing_found, whole, without_a_model
from backends.chat.types import Source
from backends.chat.xray import DroppedPassage, FoundPassage, Part, XRay, packed, unpacked
from backends.core.cancel import CancelToken
from backends.documents.types import Found, Scope, SearchRequest
from tests.chat.library import BRIDGE, HARBOUR, Library, library

CHAPTERS = "\n\n".join(
    f"Chapter {n}. " + " ".join(f"The word{n}x{k} of chapter {n} is told here at some length." for k in range(16))
    for n in range(1, 9)
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with library(tmp_path_factory.mktemp("books")) as books:
        books.add("Chapters", CHAPTERS)
        books.add("Harbours", HARBOUR)
        books.add("古桥", BRIDGE)
        yield books


def scope(books: Library, *titles: str) -> Scope:
    known = {document.title: document.id for document in books.store.documents()}
    return Scope(documents=tuple(known[title] for title in titles))


def found(books: Library, question: str, limit: int = 12) -> Found:
    *_, last = books.find(SearchRequest(question, limit), cancel=CancelToken())
    return last


def test_a_document_that_fits_goes_in_whole(books: Library) -> None:
    sources = whole(books.store, scope(books, "Harbours", "古桥"), Limits(), 4000, len)
    text = "".join(source.text for source in sources)
    assert all(paragraph in text for paragraph in (*HARBOUR.split("\n\n"), *BRIDGE.split("\n\n")))
    assert [source.n for source in sources] == list(range(1, len(sources) + 1))
    for source in sources:
        assert books.store.text(source.document_id, source.start, source.end) == source.text


def test_one_that_does_not_fit_and_too_many_do_not(books: Library) -> None:
    assert whole(books.store, scope(books, "Chapters"), Limits(), 900, len) == ()
    assert whole(books.store, Scope(), Limits(whole=2), 100_000, len) == ()
    assert whole(books.store, Scope(documents=()), Limits(), 100_000, len) == ()


def test_the_best_passages_in_the_order_of_their_document(books: Library) -> None:
    hits = found(books, "word7x3 word2x5 word5x1").hits
    sources = best(books.store, hits, Limits(), 100_000, len)
    chapters = [source for source in sources if source.title == "Chapters"]
    assert len(chapters) > 1
    assert [source.start for source in chapters] == sorted(source.start for source in chapters)
    for source in chapters:
        assert books.store.text(source.document_id, source.start, source.end) == source.text
    for one, other in pairwise(chapters):
        assert one.end <= other.start
    assert any(len(source.pages) > 1 for source in chapters)  # neighbours that touch are one source


@pytest.mark.parametrize("room", [0, 1500, 3000, 6000, 20_000])
def test_no_more_than_fits(books: Library, room: int) -> None:
    hits = found(books, "word7x3 word2x5 word5x1 harbour").hits
    sources = best(books.store, hits, Limits(), room, len)
    assert len(block(sources, b"", "en")) <= room or not sources
    if room >= 3000:
        assert any("word7x3" in source.text or "word2x5" in source.text for source in sources)
    fewer = best(books.store, hits, Limits(passages=1, widened=0), 20_000, len)
    assert [source.document_id for source in fewer] == [hits[0].document.id]
    assert fewer[0].text == hits[0].passage.text


def source(n: int, document_id: int, text: str) -> Source:
    return Source(n, document_id, "", f"{document_id}.txt", 4, "Sheet1!A1", 0, len(text), text)


@given(st.text(max_size=200), st.text(max_size=20))
def test_the_fence_is_the_last_word_whatever_the_document_says(text: str, name: str) -> None:
    one = Source(1, 5, name, name, 0, "", 0, len(text), text)
    made = block([one], b"secret", "en")
    sign = fence([one], b"secret")
    assert made.endswith(f"=====END {sign}=====")
    assert made.count(sign) == 4  # told above, at both ends
    assert text.strip() in made


def test_the_fence_depends_on_documents_and_secret_alone() -> None:
    one, other = source(1, 5, "some text"), source(2, 5, "other text")
    assert fence([one], b"a") == fence([other], b"a") != fence([one], b"b")
    assert fence([one], b"a") != fence([source(1, 6, "some text")], b"a")
    assert "[1] (" in block([one], b"a", "zh")
    assert "第 4 页 · Sheet1!A1" in block([one], b"a", "zh")
    assert "page 4 · Sheet1!A1" in block([one], b"a", "en")


def test_without_a_model_the_best_passages_are_shown(books: Library) -> None:
    shown = without_a_model(found(books, "When was the harbour of Port Selwyn dredged?"))
    assert shown.sources[0].title == "Harbours"
    assert "1887" in shown.sources[0].text
    start, end = shown.lit[0][0]
    assert shown.sources[0].text[start:end]
    assert "model" in shown.below.en
    nothing = without_a_model(Found((), False, True, 3, waiting=2))
    assert nothing.sources == ()
    assert nothing.above == nothing_found(3, 2)
    assert "3 documents" in nothing.above.en
    assert "2 are not read yet" in nothing.above.en
    assert "尚未读取" in nothing.above.zh


def test_an_xray_is_kept_as_it_was() -> None:
    passage = FoundPassage(7, 1, "书", 3, 0.5, (("text", 1, 12.5), ("vector", 2, 0.7)), 1, "正文")
    xray = XRay(
        *("它？", "古桥？", "bridge?"),
        found=(passage,),
        methods=("text",),
        dropped=(DroppedPassage(9, "room"),),
        prompt=(("user", "=====\n问题"),),
        parts=(Part("documents", 120),),
    )
    assert unpacked(packed(xray)) == xray
    assert unpacked(b"nothing") is None
    assert unpacked(packed(xray)[:-5]) is None
