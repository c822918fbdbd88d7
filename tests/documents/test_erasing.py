"""Deleted: out of sight at once, back as long as nobody erases it, and then no byte of it is in the files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, NotFound
from backends.documents.index import SearchIndex
from backends.documents.ports import EmbedderIdentity
from backends.documents.store import DocumentStore
from backends.documents.types import Opened, Section, StoreChange, passage_id
from tests.kit.passages import caught_up, compacted
from tests.kit.shelves import ENGLISH, put, words

SECRET = "XYLOPHONE-4711"
MANY = 10_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore.open(tmp_path / "library.db")
    yield store
    store.close()


def bytes_of(store: DocumentStore) -> bytes:
    """Of the database, its log, its copies: all that lies there."""
    return b"".join(path.read_bytes() for path in sorted(store.database.path.parent.rglob("*")) if path.is_file())


def test_hidden_at_once_and_restored_as_it_was(store: DocumentStore) -> None:
    document = put(store, "a.txt", ENGLISH * 20)
    before = list(store.passages_of(document.id))
    assert store.hide([document.id]) == (document.id,)
    assert store.hide([document.id]) == ()
    assert (list(store.visible()), store.documents(), store.passages([before[0].id])) == ([], (), [])
    assert store.neighbours(before[0].id) == []
    assert store.find(document.path) is None
    assert store.changes(0) == [StoreChange(2, document.id, True)]
    assert [each.id for each in store.documents(hidden=True)] == [document.id]
    assert store.restore([document.id, 999]) == (document.id,)
    assert list(store.passages_of(document.id)) == before
    assert store.document(document.id) == document


def test_no_byte_is_left_in_the_files(store: DocumentStore) -> None:
    kept = put(store, "kept.txt", "MARIMBA " * 3000)
    identity = EmbedderIdentity("k", "m", "q", "mean", 1, 4, True)
    secret = put(
        store,
        f"{SECRET}.txt",
        *[f"{SECRET} page {page} {ENGLISH * 30}" for page in range(40)],
        opened=Opened("text", SECRET),
    )
    put(store, f"{SECRET}.txt", *[f"{SECRET} again {page} {ENGLISH * 30}" for page in range(60)])  # replaced once
    store.save_vectors(identity, secret.id, 0, b"VECTORS!" * 50)
    store.ask(kept.collection_id, ["/elsewhere"])
    store.database.backup()
    store.empty_log()
    size = store.database.path.stat().st_size
    assert SECRET.encode() in bytes_of(store)
    assert b"VECTORS!" in bytes_of(store)

    store.hide([secret.id])
    assert SECRET.encode() in bytes_of(store)
    assert store.erase_hidden() == (secret.id,)

    left = bytes_of(store)
    assert SECRET.encode() not in left
    assert b"VECTORS!" not in left
    assert b"MARIMBA" in left
    assert store.database.path.stat().st_size < size / 2
    assert words(store).startswith("MARIMBA")
    assert store.changes(0)[-1] == StoreChange(store.sequence, secret.id, True)
    assert store.restore([secret.id]) == ()


def test_ten_thousand_at_once(store: DocumentStore, tmp_path: Path) -> None:
    collection = store.default_collection().id
    with store.database.atomic():
        ids = [put(store, f"{number}.txt", f"{SECRET} {number}", collection=collection).id for number in range(MANY)]
    kept = put(store, "kept.txt", "MARIMBA")
    identity = EmbedderIdentity("k", "m", "q", "mean", 1, 4, True)
    with store.database.atomic():
        for each in ids:
            store.save_vectors(identity, each, 0, b"VECTORS!")
        store.save_vectors(identity, kept.id, 0, b"remained")
    index = caught_up(SearchIndex(store, tmp_path / "search"))
    assert (index.frequency("xylophon"), index.vectors_held(identity)) == (MANY, MANY + 1)
    assert b"VECTORS!" in bytes_of(store)
    read_it = set((tmp_path / "search" / "text").rglob("*.idx"))
    transactions: list[str] = []
    store.database.connection().set_trace_callback(lambda sql: transactions.append(sql) if sql == "COMMIT" else None)
    assert len(store.hide(ids)) == MANY
    assert len(store.erase_hidden()) == MANY
    store.database.connection().set_trace_callback(None)
    assert len(transactions) < 150  # each of them waits for the disk
    compacted(caught_up(index))

    left = bytes_of(store)
    assert SECRET.encode() not in left
    assert read_it.isdisjoint((tmp_path / "search" / "text").rglob("*.idx"))
    assert b"VECTORS!" not in left
    assert b"remained" in left
    assert (index.frequency("xylophon"), index.frequency("marimba"), index.vectors_held(identity)) == (0, 1, 1)
    assert [each.id for each in store.documents()] == [kept.id]
    for table, rows in (("documents", 1), ("sections", 1), ("passages", 1), ("vectors", 1), ("loose", 0)):
        assert store.database.connection().execute(f"SELECT count(*) FROM {table}").fetchone()[0] == rows
    index.close()


def test_cut_short_it_is_finished_by_the_next_start(tmp_path: Path) -> None:
    store = DocumentStore.open(tmp_path / "library.db")
    ids = [put(store, f"{number}.txt", SECRET * 10).id for number in range(20)]
    kept = put(store, "kept.txt", "MARIMBA")
    store.hide(ids)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        store.erase(ids, cancel=cancel)
    store.close()
    store = DocumentStore.open(tmp_path / "library.db")
    assert SECRET.encode() not in bytes_of(store)
    assert store.passages([passage_id(kept.id, 0)])[0].text == "MARIMBA"
    store.close()


def test_only_what_was_deleted_long_enough_ago(store: DocumentStore) -> None:
    first, second = put(store, "1.txt", "One."), put(store, "2.txt", "Two.")
    store.hide([first.id])
    between = store.document(first.id).hidden
    assert between is not None
    store.hide([second.id])
    with store.database.atomic() as connection:
        connection.execute("UPDATE documents SET hidden = hidden + 5 WHERE id = ?", (second.id,))
    assert store.erase_hidden(between) == (first.id,)
    assert store.hidden() == (second.id,)


def test_what_is_being_written_is_not_swept_away(store: DocumentStore) -> None:
    """Somebody erases while a long document is half in the store."""
    victim = put(store, "victim.txt", SECRET)
    document = store.begin(victim.collection_id, "/long.txt", "long.txt", 1, 1.0, "x")
    with store.draft(document.id) as draft:
        for page in range(4):
            draft.add(Section("long " * 200_000, page))  # longer than one transaction holds
        store.erase([victim.id])
        draft.add(Section("the end", 9))
        draft.show(Opened("text"), None)
    assert store.text(document.id) == "long " * 800_000 + "the end"


def test_an_erased_document_does_not_come_back_from_its_reader(store: DocumentStore) -> None:
    document = store.begin(store.default_collection().id, "/a.txt", "a.txt", 1, 1.0, "x")

    def slow() -> Iterator[Section]:
        yield Section(SECRET, 1)
        store.erase([document.id])

    with pytest.raises(NotFound):
        store.store(document.id, Opened("text"), slow())
    assert words(store) == ""
    store.settle()
    assert SECRET.encode() not in bytes_of(store)
