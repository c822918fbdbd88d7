"""The search index follows the store: at once, after a kill, after damage; and what was deleted is gone."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.documents import index as index_module
from backends.documents import late, segments, words
from backends.documents.index import SearchIndex
from backends.documents.store import DocumentStore
from backends.documents.types import Scope, document_of
from tests.kit.passages import caught_up, compacted, stored

FOX = "The quick brown fox jumps over the lazy dog."
ZH = "人工智能的发展改变了医疗行业，报销比例为百分之八十。"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    with closing(DocumentStore.open(tmp_path / "library.db")) as opened:
        yield opened


@pytest.fixture
def index(store: DocumentStore, tmp_path: Path) -> Iterator[SearchIndex]:
    with closing(SearchIndex(store, tmp_path / "search")) as opened:
        yield opened


def found(index: SearchIndex, question: str, limit: int = 10, scope: Scope | None = None) -> list[int]:
    ids = None if scope is None else index._store.visible(scope)
    return [document_of(passage) for passage, _ in index.text(question, limit, ids).matches]


def pieces(folder: Path) -> set[str]:
    """Names of files that hold words."""
    return {path.name for path in folder.rglob("*") if path.suffix in {".term", ".idx", ".fast", ".store", ".pos"}}


def test_a_document_is_found_the_moment_it_is_stored(store: DocumentStore, index: SearchIndex) -> None:
    fox, zh = stored(store, "a", FOX), stored(store, "b", ZH)
    for _ in range(2):
        assert found(index, "jumping foxes") == [fox]
        assert found(index, "人工智能發展") == [zh]
        assert found(index, "報銷比例是多少？") == [zh]
        assert found(index, "unheard") == []
        assert index.text("jumping foxes", 5).terms == ("jump", "fox")
        caught_up(index)
    assert index.behind == 0
    assert index.frequency("fox") == 1


def test_scores_before_and_after_catching_up_agree(store: DocumentStore, index: SearchIndex) -> None:
    for n in range(30):
        stored(store, f"{n}", f"report {n} about {'foxes and ' * (n % 3)}hens, number {n:03}")
    before = index.text("foxes report 007", 30)
    after = caught_up(index).text("foxes report 007", 30)
    assert [passage for passage, _ in after.matches[:5]] == [passage for passage, _ in before.matches[:5]]
    assert after.matches[0][1] == pytest.approx(before.matches[0][1], rel=0.05)
    assert after.idf_sum == pytest.approx(before.idf_sum, rel=0.05)


def test_what_is_deleted_is_gone_at_once_and_after_compaction_from_every_file(
    store: DocumentStore, index: SearchIndex, tmp_path: Path
) -> None:
    secret, kept = stored(store, "a", f"{FOX} zyzzyva"), stored(store, "b", f"{FOX} other")
    caught_up(index)
    read_it = pieces(tmp_path / "search")
    assert read_it
    store.hide([secret])
    assert found(index, "zyzzyva") == []
    assert found(index, "fox") == [kept]
    caught_up(index)
    assert found(index, "fox") == [kept]
    store.erase([secret])
    assert index.pending
    compacted(caught_up(index))
    assert not index.pending
    assert not read_it & pieces(tmp_path / "search")
    assert index.frequency("zyzzyva") == 0
    assert found(index, "fox") == [kept]
    assert index.frequency("fox") == 1


def test_undo_and_a_new_version(store: DocumentStore, index: SearchIndex) -> None:
    one = stored(store, "a", FOX)
    caught_up(index)
    store.hide([one])
    compacted(caught_up(index))
    store.restore([one])
    assert found(index, "fox") == [one]
    assert stored(store, "a", "Only hens are here now.") == one
    for _ in range(2):
        assert found(index, "fox") == []
        assert found(index, "hens") == [one]
        caught_up(index)


def test_a_scope_holds_for_few_and_for_many(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = store.add_collection("Other")
    ids = [stored(store, f"{n}", f"{FOX} number{n}", collection=other.id if n % 10 == 9 else None) for n in range(60)]
    caught_up(index)
    late_one = stored(store, "late", FOX, collection=other.id)
    wanted = {*ids[9::10], late_one}
    for few in (2_000, 0):
        monkeypatch.setattr(index_module, "_FEW", few)
        assert set(found(index, "quick fox", 20, Scope(collections=(other.id,)))) == wanted
        assert found(index, "number39", 5, Scope(documents=(ids[3], ids[39]))) == [ids[39], ids[3]]
        assert found(index, "fox", 5, Scope(documents=())) == []
    monkeypatch.setattr(index_module, "_FETCHED", 16)  # the engine is told at last
    assert set(found(index, "quick fox", 20, Scope(collections=(other.id,)))) == wanted


def test_segments_close_when_full_and_small_ones_become_one(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "FULL", 8)
    monkeypatch.setattr(segments, "_SMALL", 5)
    ids = []
    for n in range(40):
        ids.append(stored(store, f"{n}", f"{FOX} number{n}"))
        if n % 4 == 3:
            caught_up(index)
    assert len(index._segments.view.readings) == 5
    assert sorted(found(index, "fox", 100)) == ids
    store.hide(ids[1::2])
    compacted(caught_up(index))
    assert sorted(found(index, "fox", 100)) == ids[::2]
    assert len(index._segments.view.readings) < 5
    assert index.frequency("fox") == 20
    assert found(index, "number38", 1) == [ids[38]]


def test_a_term_weighs_the_same_in_every_segment(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is rare in one segment and common in another is as common as in both."""
    monkeypatch.setattr(segments, "FULL", 20)
    for n in range(20):
        stored(store, f"a{n}", f"alpha common beta{n}")
    caught_up(index)
    for n in range(20):
        stored(store, f"b{n}", f"gamma delta epsilon{n}" if n else "alpha gamma epsilon0")
    caught_up(index)
    assert len(index._segments.view.readings) == 2
    scores = [score for _, score in index.text("alpha", 40).matches]
    assert len(scores) == 21
    assert max(scores) == pytest.approx(min(scores), rel=0.02)


def test_after_a_kill_it_goes_on_from_its_number(store: DocumentStore, tmp_path: Path) -> None:
    index = SearchIndex(store, tmp_path / "search")
    ids = [stored(store, f"{n}", FOX) for n in range(5)]
    caught_up(index)
    kept = (tmp_path / "search" / "text" / "text.json").read_bytes()
    store.hide(ids[:2])
    ids.append(stored(store, "new", FOX))
    caught_up(index)
    index.close()
    (tmp_path / "search" / "text" / "text.json").write_bytes(kept)  # killed before the number was written
    with closing(SearchIndex(store, tmp_path / "search")) as again:
        assert again.behind > 0
        for _ in range(2):
            assert sorted(found(again, "fox")) == ids[2:]
            caught_up(again)
        assert again.frequency("fox") in {4, 6}


@pytest.mark.parametrize("damage", ["json", "store", "missing", "cut", "flipped", "meta"])
def test_what_does_not_fit_is_made_anew(store: DocumentStore, tmp_path: Path, damage: str) -> None:
    one = stored(store, "a", FOX)
    folder = tmp_path / "search" / "text"
    with closing(SearchIndex(store, tmp_path / "search")) as index:
        caught_up(index)
    kept = json.loads((folder / "text.json").read_text())
    piece = next(folder.rglob("*.term"))
    if damage == "json":
        (folder / "text.json").write_text("{")
    elif damage == "store":
        (folder / "text.json").write_text(json.dumps({**kept, "store": "other"}))
    elif damage == "missing":
        (folder / "text.json").write_text(json.dumps({**kept, "segments": ["000009"]}))
    elif damage == "cut":
        piece.write_bytes(b"")
    elif damage == "flipped":
        content = bytearray(piece.read_bytes())
        content[len(content) // 3] ^= 0x10
        piece.write_bytes(content)
    else:
        next(folder.rglob("meta.json")).write_text("[]")
    with closing(SearchIndex(store, tmp_path / "search")) as again:
        if damage != "flipped":
            assert found(again, "fox") == [one]
        caught_up(again)
        assert found(again, "fox") == [one]
        assert again.frequency("fox") == 1


@pytest.fixture
def no_stems(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Once it is undone, words are as they were."""
    yield monkeypatch
    monkeypatch.undo()
    words._made.clear()
    words.fingerprint.cache_clear()


def test_when_the_rules_of_words_change_it_is_made_anew(
    store: DocumentStore, tmp_path: Path, no_stems: pytest.MonkeyPatch
) -> None:
    fox = stored(store, "a", FOX)
    with closing(SearchIndex(store, tmp_path / "search")) as index:
        caught_up(index)
        assert (index.frequency("lazi"), index.frequency("lazy")) == (1, 0)
    with closing(SearchIndex(store, tmp_path / "search")) as index:
        assert index.behind == 0  # the same rules: nothing is to be done
    no_stems.setattr(words, "stem", str)
    words._made.clear()
    words.fingerprint.cache_clear()
    with closing(SearchIndex(store, tmp_path / "search")) as again:
        assert again.behind == 1
        caught_up(again)
        assert (again.frequency("lazi"), again.frequency("lazy")) == (0, 1)
        assert found(again, "lazy") == [fox]


def test_between_two_commits_it_can_be_made_to_wait(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "STEP", 10_000)
    monkeypatch.setattr(index_module, "_LINES", 8)
    long = stored(store, "long", *(f"part{n} " + "word " * 300 for n in range(100)))
    steps = index.catch_up(cancel=CancelToken())
    assert [next(steps).done for _ in range(5)] == [0] * 5
    assert index._segments.view.passages == 0
    fox = stored(store, "fox", FOX)  # and what comes meanwhile is found
    assert found(index, "fox") == [fox]
    list(steps)
    assert index.behind == 0
    assert found(index, "part99", 1) == [long]


def test_a_long_document_is_committed_in_pieces_and_found_when_it_is_whole(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "BATCH", 20_000)
    monkeypatch.setattr(index_module, "_LINES", 8)
    monkeypatch.setattr(segments, "FULL", 40)
    long = stored(store, "long", *(f"part{n} " + "word " * 300 for n in range(100)))
    steps = index.catch_up(cancel=CancelToken())
    next(steps)
    assert index._segments.view.passages > 0
    assert index.behind == 1
    assert found(index, "part99", 1) == [] or found(index, "part99", 1) == [long]
    list(steps)
    assert found(index, "part99", 1) == [long]
    assert len(index._segments.view.readings) > 1
    stored(store, "long", "short now")
    compacted(caught_up(index))
    assert index.frequency("part99") == 0
    assert found(index, "short") == [long]
    hidden = stored(store, "hidden", FOX)
    long = stored(store, "long", *(f"part{n} " + "word " * 300 for n in range(100)))
    caught_up(index)
    store.hide([hidden])
    compacted(caught_up(index))
    assert index.frequency("part7") == 1


def test_what_a_kill_leaves_of_a_long_backlog_is_little(
    store: DocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "BATCH", 4 * len(FOX))
    monkeypatch.setattr(index_module, "STEP", len(FOX))
    monkeypatch.setattr(index_module, "_BACKLOG", 0)
    names = [f"quoz{chr(ord('a') + number % 26)}{'xy'[number // 26]}" for number in range(30)]
    documents = [stored(store, name, f"{FOX} {name}") for name in names]
    with closing(SearchIndex(store, tmp_path / "killed")) as index:
        cancel = CancelToken()
        work = index.catch_up(cancel=cancel)
        for _ in range(20):
            next(work)
        cancel.cancel()
        with pytest.raises(Cancelled):
            next(work)
    with closing(SearchIndex(store, tmp_path / "killed")) as index:
        assert 0 < index.behind <= 14
        caught_up(index)
        assert [found(index, name) for name in names] == [[one] for one in documents]


def test_too_much_that_is_late_is_said(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "SCANNED", 10)
    ids = [stored(store, f"{n}", FOX) for n in range(30)]
    matches = index.text("fox", 100)
    assert sorted(document_of(passage) for passage, _ in matches.matches) == ids[20:]
    assert matches.unseen == 20
    store.hide(ids[25:])
    assert sorted(found(index, "fox", 100)) == ids[15:25]
    assert caught_up(index).text("fox", 100).unseen == 0


def test_of_very_many_late_changes_the_deleted_ones_are_left_out_still(
    store: DocumentStore, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [stored(store, f"{n}", FOX) for n in range(20)]
    caught_up(index)
    monkeypatch.setattr(late, "MOST_CHANGES", 3)
    monkeypatch.setattr(late, "SCANNED", 2)
    store.hide(ids[:10])
    stored(store, "more", "hens")
    assert sorted(found(index, "fox", 100)) == ids[10:]


def test_cancelled_it_goes_on_later(store: DocumentStore, index: SearchIndex) -> None:
    ids = [stored(store, f"{n}", FOX) for n in range(4)]
    token = CancelToken()
    token.cancel()
    for task in (index.catch_up, index.compact):
        with pytest.raises(Cancelled):
            list(task(cancel=token))
    assert sorted(found(caught_up(index), "fox")) == ids
    store.hide(ids[:1])
    caught_up(index)
    with pytest.raises(Cancelled):
        list(index.compact(cancel=token))
    assert sorted(found(compacted(index), "fox")) == ids[1:]
    assert not index.pending


def test_many_search_while_one_writes(store: DocumentStore, index: SearchIndex) -> None:
    first = stored(store, "first", FOX)
    errors: list[BaseException] = []
    ended = threading.Event()

    def search() -> None:
        try:
            while not ended.is_set():
                assert first in found(index, "quick fox", 200)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(12):
        mine = stored(store, f"{n}", f"{FOX} number{n}")
        assert found(index, f"number{n}", 1) == [mine]
        caught_up(index)
        if n % 3 == 2:
            store.hide([mine])
            compacted(caught_up(index))
    ended.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(found(index, "fox", 200)) == 9


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(["store", "hide", "restore", "catch", "compact", "open"]), st.integers(0, 5)))
)
def test_whatever_happens_the_index_says_what_the_store_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    choose = random.Random(len(steps))
    with closing(DocumentStore.open(folder / "library.db")) as store:
        index = SearchIndex(store, folder / "search")
        ids: dict[int, int] = {}
        for step, which in steps:
            if step == "store" and not (which in ids and store.document(ids[which]).hidden):
                ids[which] = stored(store, f"{which}", f"fox {choose.choice('xyz')} number{which}")
            elif step == "hide" and which in ids:
                store.hide([ids[which]])
            elif step == "restore" and which in ids:
                store.restore([ids[which]])
            elif step == "catch":
                caught_up(index)
            elif step == "compact":
                compacted(index)
            elif step == "open":
                index.close()
                index = SearchIndex(store, folder / "search")
            assert sorted(found(index, "fox", 20)) == list(store.visible())
        for word in "xyz":
            said = {each.id for each in store.documents() if word in store.text(each.id).split()}
            assert set(found(compacted(caught_up(index)), word, 20)) == said
        index.close()
