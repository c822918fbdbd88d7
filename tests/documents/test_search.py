"""A question and what comes back: at once by words, then better, whatever fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, EngineError, ResourceError
from backends.core.phrase import Phrase
from backends.documents.embedding_work import embed_missing
from backends.documents.index import SearchIndex
from backends.documents.ports import Embedder, EmbedderIdentity, Reranker, Translator
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Found, Opened, Scope, SearchRequest, Section
from tests.kit.passages import caught_up, stored
from tests.kit.shelves import put

CATS = "A cat sleeps for most of the day and hunts mice at night. Whiskers tell it how wide a hole is."
TRAINS = "The night train to Vienna leaves at 21:05 and carries a sleeping car. Tickets are sold at the station."
猫 = "猫一天大部分时间都在睡觉，夜里捕鼠。胡须告诉它洞口有多宽。"
LEASE = "The notice period of this lease is three months to the end of a quarter. The rent is 1,200 a month."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    with closing(DocumentStore.open(tmp_path / "library.db")) as store:
        yield store


Made = Callable[..., Search]


@pytest.fixture
def made(store: DocumentStore, tmp_path: Path) -> Iterator[Made]:
    index = SearchIndex(store, tmp_path / "search")
    with closing(index):

        def make(
            embedder: Embedder | None = None, reranker: Reranker | None = None, translator: Translator | None = None
        ) -> Search:
            if embedder is not None:
                list(embed_missing(store, embedder, cancel=CancelToken()))
            return Search(store, caught_up(index), embedder, reranker, translator)

        yield make


def ask(search: Search, text: str, **fields: object) -> list[Found]:
    return list(search.find(SearchRequest(text, **fields), cancel=CancelToken()))  # pyright: ignore[reportArgumentType]


def names(found: Found) -> list[str]:
    return [hit.document.name for hit in found.hits]


def lit(found: Found) -> list[str]:
    return [hit.passage.text[start:end] for hit in found.hits for start, end in hit.lit]


# ---- without any model


def test_passages_are_found_with_page_and_place_and_words_lit(store: DocumentStore, made: Made) -> None:
    put(store, "animals.pdf", TRAINS, CATS)
    put(store, "rental.pdf", LEASE)
    (found,) = ask(made(), "What is the notice period?")
    (first, *_) = found.hits
    assert (first.document.name, first.passage.page, found.final) == ("rental.pdf", 1, True)
    assert store.text(first.document.id, first.passage.start, first.passage.end) == first.passage.text
    assert {"notice", "period"} <= {word.lower() for word in lit(found)}
    assert [rank.method for rank in first.ranks] == ["text"]
    assert found.enough
    (other,) = ask(made(), "sleeping cats")
    assert (other.hits[0].document.name, other.hits[0].passage.page) == ("animals.pdf", 2)


@pytest.mark.parametrize("text", ["", " \n", "？！", "\0", "zzzz qqqq"])
def test_what_says_nothing_finds_nothing(store: DocumentStore, made: Made, text: str) -> None:
    put(store, "cats.pdf", CATS)
    (found,) = ask(made(), text)
    assert (found.hits, found.enough, found.final) == ((), False, True)


def test_an_empty_library_says_so(made: Made) -> None:
    (found,) = ask(made(), "cats")
    assert (found.hits, found.searched, found.final) == ((), 0, True)


def test_a_document_is_found_before_the_index_has_it(store: DocumentStore, made: Made) -> None:
    search = made()
    put(store, "cats.pdf", CATS)
    assert names(ask(search, "whiskers")[-1]) == ["cats.pdf"]
    store.hide([store.visible()[0]])
    assert names(ask(search, "whiskers")[-1]) == []


def test_only_in_the_scope(store: DocumentStore, made: Made) -> None:
    law = store.add_collection("Law")
    put(store, "a.pdf", CATS)
    put(store, "b.pdf", CATS, collection=law.id)
    put(store, "c.pdf", CATS, collection=store.conversation_collection(7).id)
    search = made()
    assert sorted(names(ask(search, "whiskers", fold=False)[-1])) == ["a.pdf", "b.pdf"]
    assert names(ask(search, "whiskers", scope=Scope(collections=(law.id,)))[-1]) == ["b.pdf"]


def test_a_named_document_narrows_and_its_chip_can_be_taken_away(store: DocumentStore, made: Made) -> None:
    for year in (2021, 2022, 2023):
        for firm in ("Meridian", "Contoso", "Fabrikam"):
            put(store, f"{firm} {year}.pdf", f"In {year} revenue of {firm} was {year % 7},{year} million.", CATS)
    search = made()
    found = ask(search, "What was the revenue of Contoso in 2022?")[-1]
    assert set(names(found)) == {"Contoso 2022.pdf"}
    assert [(chip.words, chip.documents) for chip in found.chips] == [("Contoso", 3), ("2022", 3)]
    assert found.searched == 1
    keys = frozenset(chip.key for chip in found.chips)
    every = ask(search, "What was the revenue of Contoso in 2022?", without=keys)[-1]
    assert (every.chips, every.searched) == ((), 9)
    assert every.hits[0].document.name == "Contoso 2022.pdf"


def test_of_very_many_documents_no_names_are_known(
    store: DocumentStore, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would take more memory the more documents there are."""
    monkeypatch.setattr("backends.documents.search.NAMES", 9)
    monkeypatch.setattr("backends.documents.search.NAMES_AGAIN", 1)
    for year in (2021, 2022, 2023):
        for firm in ("Meridian", "Contoso", "Fabrikam"):
            put(store, f"{firm} {year}.pdf", f"In {year} revenue of {firm} was {year % 7},{year} million.", CATS)
    search = made()
    assert ask(search, "What was the revenue of Contoso in 2022?")[-1].chips
    put(store, "one more.pdf", TRAINS)
    found = ask(search, "What was the revenue of Contoso in 2022?")[-1]
    assert (found.chips, len(search.names), found.hits[0].document.name) == ((), 0, "Contoso 2022.pdf")
    store.hide([store.visible()[-1]])
    assert ask(search, "What was the revenue of Contoso in 2022?")[-1].chips


def test_a_name_that_many_have_narrows_only_to_where_the_best_is(store: DocumentStore, made: Made) -> None:
    for number in range(10):
        put(store, f"Islam {number}.txt", f"A fundamentalist interpretation in part {number} of the schools, and more.")
    put(store, "isms.txt", "A fundamentalist interpretation of Islam.")
    for number in range(32):
        put(store, f"trains {number}.txt", f"{TRAINS} Number {number}.")
    search = made()
    found = ask(search, "What is a fundamentalist interpretation of Islam?")[-1]
    assert (found.chips, names(found)[0]) == ((), "isms.txt")
    found = ask(search, "Which part of the schools of Islam is number 7?", fold=False)[-1]
    assert [chip.documents for chip in found.chips] == [10]


def test_a_name_does_not_narrow_to_what_says_nothing_of_the_question(store: DocumentStore, made: Made) -> None:
    put(store, "Norman.pdf", "A style of arches and towers. " * 5)
    for number in range(4):
        put(store, f"match{number}.pdf", f"In game {number} Josh Norman intercepted {number} balls for Carolina.")
    found = ask(made(), "How many balls did Josh Norman intercept for Carolina?")[-1]
    assert found.chips == ()
    assert found.hits[0].document.name.startswith("match")


def test_near_duplicates_are_folded(store: DocumentStore, made: Made) -> None:
    first, second = put(store, "lease.pdf", LEASE), put(store, "lease (copy).pdf", LEASE)
    put(store, "lease 2.pdf", LEASE.replace("1,200", "1,350"))
    found = ask(made(), "notice period of the lease")[-1]
    assert len(found.hits) == 2
    assert {(hit.document.id, hit.also) for hit in found.hits} & {
        (first.id, (second.id,)),
        (second.id, (first.id,)),
    }
    assert [drop.why for drop in found.dropped] == ["duplicate"]
    assert len(ask(made(), "notice period of the lease", fold=False)[-1].hits) == 3


def test_neighbours_are_one_passage_with_the_text_between(store: DocumentStore, made: Made) -> None:
    pages = "\n\n".join(
        f"{CATS} Paragraph {n} about whiskers and holes, with more of it: {TRAINS}" * 2 for n in range(8)
    )
    document = put(store, "book.txt", pages, opened=Opened("text"))
    (hit, *_) = ask(made(), "whiskers holes paragraph")[-1].hits
    assert document.passages > 1
    assert hit.passage.text == store.text(document.id, hit.passage.start, hit.passage.end)
    assert any(passage.end < hit.passage.end for passage in store.passages_of(document.id))


def test_a_title_counts_as_text(store: DocumentStore, made: Made) -> None:
    stored(store, "p1", "It is 324 metres high.", title="Eiffel Tower")
    stored(store, "p2", "It is 96 metres high.", title="Big Ben")
    assert names(ask(made(), "How high is the Eiffel Tower?", improve=False)[-1])[0] == "p1"


def test_the_newest_is_preferred_where_it_is_asked_for(store: DocumentStore, made: Made) -> None:
    for year in (2020, 2024, 2022):
        put(
            store,
            f"policy{year}.pdf",
            f"Travel policy no {year}: economy class.",
            opened=Opened("pdf", dated=year * 3e7),
        )
    search = made()
    assert ask(search, "latest travel policy", fold=False)[-1].hits[0].document.name == "policy2024.pdf"


def test_thresholds_are_learned_from_the_index(store: DocumentStore, made: Made) -> None:
    topics = ["copper wire", "orchard fruit", "violin strings", "glacier melt", "harbour cranes", "paper mills"]
    for number in range(30):
        one, other = topics[number % 6], topics[(number + 1) % 6]
        said = f"Note {number} on {one}: the committee looked at {one} and {other} and wrote {number * 37} down. "
        put(store, f"note{number}.txt", said * 3)
    search = made()
    assert ask(search, "copper wire")[-1].enough
    assert search.thresholds.documents == 30
    assert "en" in search.thresholds.learned
    assert not ask(search, "Who painted the ceiling of the chapel in Rome?")[-1].enough


# ---- with models


@dataclass
class Topics:
    """An embedder that knows what words are about. `fails`: what it raises instead."""

    multilingual: bool = True
    fails: Exception | None = None
    asked: int = 0
    about: dict[str, int] = field(
        default_factory=lambda: {"cat": 0, "feline": 0, "猫": 0, "train": 1, "railway": 1, "lease": 2, "rent": 2}
    )

    def identity(self, cancel: CancelToken) -> EmbedderIdentity | None:
        self.asked += 1
        if self.fails:
            raise self.fails
        return EmbedderIdentity(f"topics{self.multilingual}", "Topics", "F32", "mean", 1, 4, self.multilingual)

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]:
        return [self.vector(text) for text in texts]

    def embed_query(self, text: str, cancel: CancelToken) -> bytes:
        return self.vector(text)

    def vector(self, text: str) -> bytes:
        made = np.full(4, 0.01, "<f4")
        for word, axis in self.about.items():
            made[axis] += text.lower().count(word)
        return (made / np.linalg.norm(made)).astype("<f4").tobytes()


@dataclass
class Judge:
    """A reranker that likes one word. `fails`: what it raises instead."""

    likes: str = ""
    ready: bool = True
    fails: Exception | None = None

    def scores(self, question: str, texts: Sequence[str], cancel: CancelToken) -> list[float]:
        if self.fails:
            raise self.fails
        return [0.9 if self.likes in text else 0.05 for text in texts]


@dataclass
class Phrases:
    """A translator with a phrase book."""

    book: dict[str, str]
    ready: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    def translate(self, question: str, to: str, cancel: CancelToken) -> str:
        self.asked.append((question, to))
        return self.book.get(question, "")


def filled(store: DocumentStore) -> None:
    put(store, "cats.pdf", CATS)
    put(store, "trains.pdf", TRAINS)
    put(store, "rental.pdf", LEASE)


def test_the_plain_result_comes_first_and_a_better_one_after_it(store: DocumentStore, made: Made) -> None:
    filled(store)
    plain, *_, last = ask(made(Topics()), "railway to a sleeping feline night")
    assert (plain.final, plain.methods) == (False, ("text",))
    assert (last.final, last.methods) == (True, ("text", "vector"))
    assert {rank.method for hit in last.hits for rank in hit.ranks} == {"text", "vector"}
    (meant,) = [found for found in ask(made(Topics()), "feline") if found.final]
    assert meant.hits[0].document.name == "cats.pdf"  # no word of it is there


def test_one_answer_for_who_does_not_wait(store: DocumentStore, made: Made) -> None:
    filled(store)
    search = made(Topics(), Judge("Vienna"), Phrases({}))
    (found,) = ask(search, "sleeps", improve=False)
    assert (found.final, found.methods) == (True, ("text", "vector"))


def test_an_english_embedder_neither_reads_nor_finds_chinese(store: DocumentStore, made: Made) -> None:
    filled(store)
    put(store, "猫.pdf", 猫)
    search = made(Topics(multilingual=False))
    assert ask(search, "猫在夜里做什么")[-1].methods == ("text",)
    found = ask(search, "feline")[-1]
    assert found.methods == ("text", "vector")
    assert "猫.pdf" not in names(found)


def test_a_chinese_question_finds_english_by_meaning(store: DocumentStore, made: Made) -> None:
    filled(store)
    translator = Phrases({})
    found = ask(made(Topics(), None, translator), "猫")[-1]
    assert found.hits[0].document.name == "cats.pdf"
    assert translator.asked == []  # the embedder knows both languages


def test_a_question_is_asked_in_the_language_of_the_documents(store: DocumentStore, made: Made) -> None:
    filled(store)
    translator = Phrases({"租约的通知期是多久？": "The notice period of the lease"})
    plain, last = ask(made(None, None, translator), "租约的通知期是多久？")
    assert (plain.hits, plain.enough) == ((), False)
    assert (last.translated, last.enough, last.final) == ("The notice period of the lease", True, True)
    assert last.hits[0].document.name == "rental.pdf"
    assert [rank.method for rank in last.hits[0].ranks] == ["text:translated"]
    assert {"notice", "period"} <= set(lit(last))
    assert translator.asked == [("租约的通知期是多久？", "en")]


def test_no_translation_where_all_documents_are_in_its_language(store: DocumentStore, made: Made) -> None:
    filled(store)
    translator = Phrases({})
    assert ask(made(None, None, translator), "nothing of it is here")[-1].translated == ""
    assert translator.asked == []
    ask(made(None, None, Phrases({}, ready=False)), "猫")


def test_the_reranker_decides(store: DocumentStore, made: Made) -> None:
    filled(store)
    found = ask(made(None, Judge("Vienna")), "sleeps at night")[-1]
    assert found.hits[0].document.name == "trains.pdf"
    assert found.methods == ("text", "rerank")
    assert found.enough
    assert not ask(made(None, Judge("no such word")), "sleeps at night")[-1].enough


@pytest.mark.parametrize("error", [ResourceError(Phrase("Too large.", "太大。"), code="out_of_memory")])
def test_what_fails_is_told_and_loses_nothing(store: DocumentStore, made: Made, error: ResourceError) -> None:
    filled(store)
    search = made()
    search.embedder, search.reranker = Topics(fails=error), Judge(fails=EngineError(Phrase("No.", "否。")))
    for _ in range(2):
        found = ask(search, "sleeps at night")[-1]
        assert found.final
        assert "cats.pdf" in names(found)
        assert found.methods == ("text", "vector failed (out_of_memory)", "rerank failed (engine_failed)")
    assert search.embedder.asked == 1  # not tried for every question


def test_a_cancelled_search_ends(store: DocumentStore, made: Made) -> None:
    filled(store)
    token = CancelToken()
    finding = made(Topics(), Judge("cat")).find(SearchRequest("cat"), cancel=token)
    assert next(finding).final is False
    token.cancel()
    with pytest.raises(Cancelled):
        next(finding)


def test_what_waits_is_counted(store: DocumentStore, made: Made) -> None:
    filled(store)
    collection = store.default_collection().id
    store.begin(collection, "/shelf/new.pdf", "new.pdf", 1, 1.0, "d")
    assert ask(made(), "cat")[-1].waiting == 1


def test_sections_of_a_document_keep_their_headings(store: DocumentStore, made: Made) -> None:
    put(store, "manual.pdf", Section("Turn it to the left.", 3, headings=("Valves", "Closing")), CATS)
    found = ask(made(), "closing valves")[-1]
    assert found.hits[0].passage.headings == ("Valves", "Closing")
