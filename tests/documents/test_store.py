"""The store: what is put in is there as it was, seen as a whole or not at all, and every change has its number."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.core.phrase import Phrase
from backends.documents import draft
from backends.documents.ports import EmbedderIdentity
from backends.documents.store import MANNERS, MIGRATIONS, DocumentStore
from backends.documents.types import Closed, Opened, Problem, Scope, Section, StoreChange, passage_id
from backends.storage.database import Database
from tests.kit.passages import stored
from tests.kit.shelves import CHINESE, ENGLISH, put, sections, words

TORN = Problem("damaged_file", Phrase("Torn.", "损坏。"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore.open(tmp_path / "library.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentStore]:
    store = DocumentStore.open(tmp_path_factory.mktemp("ranges") / "library.db")
    yield store
    store.close()


@given(
    st.lists(st.text("ab字𠀀e\u0301\n ", min_size=1, max_size=9), min_size=1, max_size=30),
    st.integers(0, 150),
    st.integers(0, 150),
)
def test_any_range_of_the_text(one_store: DocumentStore, parts: list[str], start: int, length: int) -> None:
    document = put(one_store, "ranges.txt", *parts, "end")
    whole = "".join(parts) + "end"
    assert one_store.text(document.id, start, start + length) == whole[start : start + length]
    at = [each.start for each in one_store.passages_of(document.id) if each.end > start]
    found = one_store.passage_at(document.id, start)
    assert (found.start if found else None) == (at[0] if at else None)


def embedder(key: str) -> EmbedderIdentity:
    return EmbedderIdentity(key, "bge-m3", "Q8_0", "cls", 1, 4, True)


class TestText:
    def test_a_document_says_what_was_read(self, store: DocumentStore) -> None:
        first = Section(ENGLISH * 20, 1, "A1:B9", ("Report", "Part 1"), "notes")
        document = put(store, "a.txt", first, CHINESE * 20, opened=Opened("xlsx", "Report", 2, 5.0))
        assert (document.format, document.title, document.pages, document.dated) == ("xlsx", "Report", 2, 5.0)
        assert (document.status, document.problem, document.language) == ("ready", None, "en")
        assert document.characters == len(ENGLISH * 20 + CHINESE * 20)
        assert store.text(document.id) == ENGLISH * 20 + CHINESE * 20
        passages = list(store.passages_of(document.id))
        assert [each.id for each in passages] == [
            passage_id(document.id, number) for number in range(document.passages)
        ]
        for each in passages:
            assert each.text == store.text(document.id, each.start, each.end)
        assert (passages[0].page, passages[0].label, passages[0].headings, passages[0].kind) == (
            1,
            "A1:B9",
            ("Report", "Part 1"),
            "notes",
        )
        assert passages[-1].page == 2
        assert [each.section for each in store.sections(document.id)] == [first, Section(CHINESE * 20, 2)]

    def test_passages_come_in_the_order_asked_and_missing_ones_are_left_out(self, store: DocumentStore) -> None:
        one, two = put(store, "1.txt", ENGLISH * 40), put(store, "2.txt", "Second.")
        ids = [
            passage_id(two.id, 0),
            passage_id(99, 0),
            passage_id(one.id, 3),
            passage_id(one.id, 999),
            passage_id(one.id, 0),
        ]
        assert [each.id for each in store.passages(ids)] == [ids[0], ids[2], ids[4]]

    def test_a_short_section_that_others_follow_is_cut_as_they_are(self, store: DocumentStore) -> None:
        text = "One sentence of English. " * 60
        alone, first = (stored(store, name, *[text] * many) for name, many in (("one", 1), ("two", 2)))
        assert [passage.start for passage in store.passages_of(alone)] == [0]
        places = [(passage.start, passage.end) for passage in store.passages_of(first)]
        assert len(places) == 4
        assert places[:2] == [(start - len(text), end - len(text)) for start, end in places[2:]]

    def test_neighbours(self, store: DocumentStore) -> None:
        document = put(store, "a.txt", ENGLISH * 60)
        around = [each.number for each in store.neighbours(passage_id(document.id, 2), 1, 2)]
        assert around == [1, 2, 3, 4]
        assert [each.number for each in store.neighbours(passage_id(document.id, 0), 3, 0)] == [0]
        assert store.neighbours(passage_id(document.id, 999)) == []

    def test_a_name_and_a_text_that_are_no_unicode(self, store: DocumentStore) -> None:
        name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
        document = put(store, name, "Text.")
        assert document.path == f"/shelf/{name}"
        assert store.find(document.path) == document
        assert store.below(document.collection_id, "/shelf") == (document,)
        document.name.encode()


class TestWholeOrNothing:
    def test_a_document_that_is_read_anew_is_found_as_it_was_until_it_is_read(
        self, store: DocumentStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(draft, "AT_ONCE", 1000)
        document = put(store, "a.txt", "The old text.")
        seen: list[str] = []

        def slow() -> Iterator[Section | Closed]:
            for page in range(1, 9):
                seen.append(words(store))
                yield Section(ENGLISH * 10, page)
            seen.append(words(store))

        store.begin(document.collection_id, document.path, document.name, 11, 2.0, "other")
        store.store(document.id, Opened("text"), slow())
        assert set(seen) == {"The old text."}
        assert "old" not in words(store)
        assert store.document(document.id).characters == 8 * len(ENGLISH * 10)
        assert _rows(store, "loose") == 0
        assert _rows(store, "sections") == 8

    def test_a_reader_that_fails_leaves_nothing(self, store: DocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draft, "AT_ONCE", 1000)
        document = store.begin(store.default_collection().id, "/a.txt", "a.txt", 1, 1.0, "a")

        def torn() -> Iterator[Section]:
            yield Section(ENGLISH * 30, 1)
            raise NotFound(TORN.message, code="damaged_file")

        with pytest.raises(NotFound):
            store.store(document.id, Opened("text"), torn())
        store.fail(document.id, TORN)
        assert (store.document(document.id).status, store.document(document.id).problem) == ("failed", TORN)
        assert [_rows(store, table) for table in ("sections", "passages", "loose", "changes")] == [0, 0, 0, 0]

    def test_what_cannot_be_read_any_more_is_not_found_any_more(self, store: DocumentStore) -> None:
        document = put(store, "a.txt", "Text.")
        store.fail(document.id, TORN)
        assert words(store) == ""
        assert store.changes(0) == [StoreChange(2, document.id, True)]

    def test_unless_the_reason_lies_elsewhere(self, store: DocumentStore) -> None:
        document = put(store, "a.txt", "Text.")
        store.fail(document.id, TORN, keep=True)
        assert words(store) == "Text."
        assert (store.document(document.id).status, store.document(document.id).problem) == ("ready", TORN)

    def test_what_a_kill_left_half_written_is_removed_by_the_next_start(self, tmp_path: Path) -> None:
        store = DocumentStore.open(tmp_path / "library.db")
        document = store.begin(store.default_collection().id, "/a.txt", "a.txt", 1, 1.0, "a")
        with store.database.atomic() as connection:
            connection.execute("INSERT INTO loose VALUES (7)")
            connection.execute("INSERT INTO sections VALUES (7 << 24, 0, 4, 1, '', '[]', 'text', 0, 'half')")
            connection.execute("INSERT INTO passages VALUES (7 << 24, 0, 0, 4)")
        store.close()
        store = DocumentStore.open(tmp_path / "library.db")
        assert [_rows(store, table) for table in ("sections", "passages", "loose")] == [0, 0, 0]
        assert store.unfinished() == (store.document(document.id),)
        store.close()

    def test_two_write_at_the_same_time(self, store: DocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draft, "AT_ONCE", 2000)
        together = threading.Barrier(2)

        def write(name: str) -> None:
            together.wait()
            for number in range(8):
                put(store, f"{name}{number}", *[f"{name}{number} {page} {ENGLISH * 9}" for page in range(12)])

        threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        for document in store.documents():
            assert all(each.section.text.startswith(document.name) for each in store.sections(document.id))
        assert _rows(store, "sections") == 16 * 12
        assert _rows(store, "loose") == 0

    def test_given_up_it_is_as_it_was(self, store: DocumentStore) -> None:
        known = put(store, "a.txt", "Text.")
        store.begin(known.collection_id, known.path, known.name, 9, 9.0, "new")
        new = store.begin(known.collection_id, "/b.txt", "b.txt", 9, 9.0, "b")
        store.give_up(known.id)
        store.give_up(new.id)
        assert store.document(known.id).status == "ready"
        assert store.document(known.id).digest == ""  # and is read anew when it is met again
        with pytest.raises(NotFound):
            store.document(new.id)


class TestChanges:
    def test_of_a_document_only_the_last_change_is_kept(self, store: DocumentStore) -> None:
        one, two = put(store, "1.txt", "One."), put(store, "2.txt", "Two.")
        assert store.changes(0) == [StoreChange(1, one.id, False), StoreChange(2, two.id, False)]
        store.hide([one.id])
        assert store.changes(0) == [StoreChange(2, two.id, False), StoreChange(3, one.id, True)]
        assert store.changes(2) == [StoreChange(3, one.id, True)]
        assert store.sequence == 3
        store.restore([one.id])
        assert store.changes(3) == [StoreChange(4, one.id, False)]

    def test_the_number_never_goes_back(self, tmp_path: Path) -> None:
        store = DocumentStore.open(tmp_path / "library.db")
        store.erase([put(store, "1.txt", "One.").id])
        last = store.sequence
        store.close()
        store = DocumentStore.open(tmp_path / "library.db")
        assert store.sequence == last
        put(store, "2.txt", "Two.")
        assert store.sequence > last
        store.close()

    def test_a_library_from_a_copy_is_another_one(self, tmp_path: Path) -> None:
        path = tmp_path / "library.db"
        store = DocumentStore.open(path)
        identity = store.identity
        put(store, "1.txt", "One.")
        store.database.backup()
        store.close()
        path.write_bytes(b"damaged" * 1000)
        store = DocumentStore.open(path)
        assert words(store) == "One."
        assert store.identity != identity
        store.close()


class TestScope:
    def test_which_documents(self, store: DocumentStore) -> None:
        papers, talk = store.add_collection("Papers"), store.conversation_collection(12)
        here = put(store, "1.txt", "One.")
        paper = put(store, "2.pdf", "Two.", collection=papers.id, opened=Opened("pdf", dated=100.0))
        dropped = put(store, "3.txt", "Three.", collection=talk.id, modified=50.0)
        gone = put(store, "4.txt", "Four.")
        store.hide([gone.id])

        def ids(**fields: object) -> list[int]:
            return list(store.visible(Scope(**fields)))  # type: ignore[arg-type]

        assert ids() == [here.id, paper.id]
        assert ids(collections=(papers.id,)) == [paper.id]
        assert ids(collections=(talk.id,), documents=(here.id, gone.id)) == [here.id, dropped.id]
        assert ids(documents=()) == []
        assert ids(formats=("pdf",)) == [paper.id]
        assert ids(since=50.0) == [paper.id]
        assert ids(collections=(talk.id, papers.id), until=50.0) == [dropped.id]
        assert [each.id for each in store.documents()] == [paper.id, here.id]
        assert store.count(Scope(collections=(talk.id,))) == 1

    def test_it_is_never_out_of_date(self, store: DocumentStore) -> None:
        for number in range(4):
            document = put(store, f"{number}.txt", "Text.")
            assert list(store.visible())[-1] == document.id
            assert list(store.visible(Scope(documents=(document.id,)))) == [document.id]
        document = put(store, "last.txt", "Text.")
        store.hide([document.id])
        assert document.id not in store.visible()
        store.restore([document.id])
        assert document.id in store.visible()

    def test_the_list_is_searched_sorted_and_counted(self, store: DocumentStore) -> None:
        put(store, "Beta 100%.txt", "Text.", size=5)
        put(store, "alpha.txt", "Text.", size=9, opened=Opened("text", "The beta_test"))
        failed = store.begin(store.default_collection().id, "/gamma.txt", "gamma.txt", 1, 1.0, "g")
        store.fail(failed.id, TORN)
        assert [each.name for each in store.documents(sort="name")] == ["alpha.txt", "Beta 100%.txt", "gamma.txt"]
        assert [each.name for each in store.documents(sort="size", limit=2)] == ["alpha.txt", "Beta 100%.txt"]
        assert [each.name for each in store.documents(query="BETA", offset=1)] == ["Beta 100%.txt"]
        assert [each.name for each in store.documents(query="a 100%")] == ["Beta 100%.txt"]
        assert [each.name for each in store.documents(query="a_t")] == ["alpha.txt"]
        assert [each.name for each in store.documents(status="failed")] == ["gamma.txt"]
        assert store.totals() == {"ready": 2, "failed": 1}
        assert store.count(query="beta") == 2


class TestCollections:
    def test_names(self, store: DocumentStore) -> None:
        papers = store.add_collection("  Papers  2024 ")
        assert papers.name == "Papers 2024"
        assert store.collection_named("papers 2024") == papers
        for name, code in (("PAPERS 2024", "name_taken"), ("  ", "name_missing")):
            with pytest.raises(InvalidInput) as caught:
                store.add_collection(name)
            assert caught.value.code == code
        assert store.rename_collection(papers.id, "papers 2024").name == "papers 2024"

    def test_that_of_a_conversation_has_no_name_and_is_not_listed(self, store: DocumentStore) -> None:
        talk = store.conversation_collection(7)
        assert store.conversation_collection(7) == talk
        assert (talk.name, talk.conversation_id) == ("", 7)
        assert store.collections() == ()
        assert store.default_collection() == store.default_collection()
        assert [each.name for each in store.collections()] == ["Documents"]

    def test_removed_with_its_documents_and_brought_back(self, store: DocumentStore) -> None:
        papers = store.add_collection("Papers")
        documents = [put(store, f"{number}.txt", "Text.", collection=papers.id).id for number in range(3)]
        store.watch(papers.id, "/papers")
        hidden = store.remove_collection(papers.id)
        assert sorted(hidden) == documents
        assert (store.collections(), store.watched(), list(store.visible())) == ((), (), [])
        store.restore(hidden)
        assert [each.documents for each in store.collections()] == [3]
        assert [each.path for each in store.watched()] == ["/papers"]

    def test_removed_for_good(self, store: DocumentStore) -> None:
        papers = store.add_collection("Papers")
        put(store, "1.txt", "Text.", collection=papers.id)
        store.remove_collection(papers.id)
        assert len(store.erase_hidden()) == 1
        assert _rows(store, "collections") == 0
        assert store.add_collection("Papers").documents == 0

    def test_what_was_deleted_here_is_left_out_where_a_folder_is_followed(self, store: DocumentStore) -> None:
        document = put(store, "a.txt", "Text.")
        store.watch(document.collection_id, "/shelf")
        store.hide([document.id])
        store.erase_hidden()
        assert store.left_out(document.collection_id, document.path)
        assert not store.left_out(document.collection_id, "/shelf/b.txt")
        store.take_back(document.collection_id, document.path)
        assert not store.left_out(document.collection_id, document.path)


class TestVectors:
    def test_runs_are_kept_beside_those_of_another_embedder(self, store: DocumentStore) -> None:
        old, new = embedder("old"), embedder("new")
        one, two = put(store, "1.txt", ENGLISH * 30), put(store, "2.txt", "Two.")
        assert store.vectors_missing(old) == [(one.id, 0), (two.id, 0)]
        run = bytes(range(16))
        assert store.save_vectors(old, one.id, 0, run, store.version(one.id))
        assert store.vectors_missing(old) == [(one.id, 2), (two.id, 0)]
        assert store.vectors_missing(new) == [(one.id, 0), (two.id, 0)]
        store.save_vectors(old, one.id, 2, run)
        store.save_vectors(old, two.id, 0, run[:8])
        assert store.vectors_missing(old) == []
        assert list(store.vector_blobs(old)) == [(one.id, 0, run), (one.id, 2, run), (two.id, 0, run[:8])]
        assert list(store.vector_blobs(old, one.id)) == [(two.id, 0, run[:8])]
        assert store.embedders() == (old,)
        store.save_vectors(new, two.id, 0, run[:8])
        store.drop_embedder("old")
        assert store.embedders() == (new,)
        assert list(store.vector_blobs(old)) == []
        assert store.vectors_of(new, two.id) == [(0, run[:8])]

    def test_vectors_of_a_text_that_has_changed_are_not_kept(self, store: DocumentStore) -> None:
        document = put(store, "1.txt", "One.")
        version = store.version(document.id)
        put(store, "1.txt", "Another.")
        assert not store.save_vectors(embedder("e"), document.id, 0, bytes(8), version)
        assert store.save_vectors(embedder("e"), document.id, 0, bytes(8), store.version(document.id))
        put(store, "1.txt", "A third.")
        assert store.vectors_missing(embedder("e")) == [(document.id, 0)]
        assert _rows(store, "vectors") == 0


def test_a_new_library_from_an_older_hand_is_refused_and_a_plain_database_works(tmp_path: Path) -> None:
    database = Database(tmp_path / "library.db", MIGRATIONS)
    store = DocumentStore(database)
    put(store, "1.txt", "One.")
    database.connection().execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StorageError) as caught:
        Database(tmp_path / "library.db", MIGRATIONS, MANNERS)
    assert caught.value.code == "database_too_new"


def test_memory_does_not_grow_with_the_text(store: DocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is taken from the reader is in the file before much more is asked for."""
    monkeypatch.setattr(draft, "AT_ONCE", 100_000)
    document = store.begin(store.default_collection().id, "/a.txt", "a.txt", 1, 1.0, "a")
    held: list[int] = []

    def endless() -> Iterator[Section]:
        for _ in range(100):
            written = store._value("SELECT coalesce(sum(length(text)), 0) FROM sections")
            held.append(len(held) * 20_000 - written)
            yield Section("x" * 20_000, 1)

    store.store(document.id, Opened("text"), itertools.chain(endless(), sections([])))
    assert max(held) <= 100_000
    assert store.document(document.id).characters == 2_000_000


def _rows(store: DocumentStore, table: str) -> int:
    return store.database.connection().execute(f"SELECT count(*) FROM {table}").fetchone()[0]
