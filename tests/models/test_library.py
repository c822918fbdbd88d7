"""What is on the disk: downloaded, put there by hand, or lying elsewhere; whole, damaged, gone."""

import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.core.phrase import NOTHING
from backends.models.catalog import Catalog
from backends.models.library import Library
from tests.kit.faults import cut
from tests.kit.fetch import REPO, Fetch
from tests.kit.ggufs import random_model

CATALOG = Catalog.load()
KNOWN = CATALOG.find("r1-0528-qwen3-8b")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "mine").mkdir()
    return tmp_path


@pytest.fixture
def library(home: Path) -> Library:
    return opened(home)


@pytest.fixture(scope="session")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("gguf") / "qwen3.gguf", "qwen3")


def opened(home: Path) -> Library:
    return Library(home / "models", CATALOG, home / "data" / "library.json")


def mine(home: Path, model: Path, name: str) -> Path:
    path = home / "mine" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, path)
    return path


def files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if not {".locks", ".trash"} & set(path.parts)
    )


# ---- what is there


def test_nothing_is_there_at_first_and_asking_for_a_model_says_so(library):
    assert library.models() == ()
    with pytest.raises(NotFound, match="Download one first") as error:
        library.find("r1-0528-qwen3-8b")
    assert error.value.code == "model_not_here"


def test_a_models_folder_that_was_never_made_is_an_empty_one(tmp_path):
    library = Library(tmp_path / "never", CATALOG, tmp_path / "library.json")
    assert library.models() == ()
    assert library.notices == ()


def test_a_downloaded_model_is_known_by_its_receipt(there, qwen3, home, library):
    there.add_repo(KNOWN.repo, {KNOWN.files[0].file: qwen3})
    fetch = Fetch(there, home / "models", repo=KNOWN.repo)
    fetch.all()
    (model,) = library.models()
    assert model.id == f"r1-0528-qwen3-8b:{KNOWN.files[0].quant}"
    assert (model.name, model.catalog_id, model.source) == (KNOWN.name, KNOWN.id, KNOWN.repo)
    assert (model.architecture, model.size, model.verified) == ("qwen3", qwen3.stat().st_size, True)
    assert model.sha256 == fetch.file.sha256
    assert model.problem == NOTHING
    for wanted in (model.id, model.id.upper(), "r1-0528-qwen3-8b", KNOWN.name, str(model.path), model.path, KNOWN.repo):
        assert library.find(wanted) == model


def test_a_model_that_comes_in_is_seen_when_it_is_looked_for(there, large, home, library):
    there.add_repo(REPO, {"large-Q8_0.gguf": large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, home / "models")
    fetch.until_cut()
    assert library.rescan() == ()  # a part is no model
    fetch.all()
    assert library.models() == ()
    assert [model.id for model in library.rescan()] == ["large-Q8_0"]


def test_a_download_cut_short_in_its_last_moment_is_there_after_a_look(there, tiny, home, library):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, home / "models")
    fetch.all()
    fetch.target.rename(fetch.target.with_name("tiny-Q4_K_M.gguf.part"))
    receipt = fetch.target.with_name("tiny-Q4_K_M.gguf.json")
    receipt.rename(receipt.with_name("tiny-Q4_K_M.gguf.part.json"))
    (model,) = library.models()
    assert (model.id, model.verified) == ("tiny-Q4_K_M", True)


def test_a_downloaded_file_that_was_changed_counts_as_verified_no_more(there, tiny, home, library):
    there.add_repo(REPO, {"tiny-Q4_K_M.gguf": tiny})
    fetch = Fetch(there, home / "models")
    fetch.all()
    with fetch.target.open("ab") as file:
        file.write(b"more")
    (model,) = library.models()
    assert not model.verified


def test_files_put_into_the_models_folder_are_found_but_not_what_is_no_model(tiny, home, library):
    deep = home / "models" / "lmstudio" / "publisher" / "repo"
    deep.mkdir(parents=True)
    for name in ("a-Q4_K_M.gguf", "mmproj-F16.gguf", "notes.txt"):
        shutil.copy(tiny, deep / name)
    (home / "models" / ".hidden").mkdir()
    shutil.copy(tiny, home / "models" / ".hidden" / "b.gguf")
    (model,) = library.models()
    assert (model.id, model.source, model.verified, model.name) == ("a-Q4_K_M", "", False, "Scripted R1")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
def test_pipes_and_devices_are_no_models_and_nobody_waits_for_them(tiny, home, library):
    mine(home / "models", tiny, "good.gguf")
    os.mkfifo(home / "models" / "pipe.gguf")
    (home / "models" / "zero.gguf").symlink_to("/dev/zero")
    assert [model.path.name for model in library.models()] == ["good.gguf"]
    for path in (home / "models" / "pipe.gguf", home / "models" / "zero.gguf"):
        with pytest.raises(InvalidInput) as error:
            library.add(path)
        assert error.value.code == "not_a_file"


def test_a_split_is_one_model_and_with_a_part_missing_one_with_a_problem(parts, home, library):
    for part in parts:
        shutil.copy(part, home / "models" / part.name)
    (model,) = library.models()
    assert (model.id, model.path.name) == ("tiny-Q4_K_M", parts[0].name)
    assert model.size == sum(part.stat().st_size for part in parts)
    (home / "models" / parts[1].name).unlink()
    (model,) = library.rescan()
    assert parts[1].name in model.problem.en
    shutil.copy(parts[1], home / "models" / parts[1].name)
    (home / "models" / parts[0].name).unlink()
    (model,) = library.rescan()
    assert "00001-of" in model.problem.en
    shutil.copy(parts[0], home / "models" / parts[0].name)
    (model,) = library.rescan()
    assert model.problem == NOTHING


@pytest.mark.parametrize("damage", ["truncated", "html", "empty", "hostile", "foreign"])
def test_a_file_that_cannot_be_loaded_stays_in_sight_with_the_reason(tiny, home, library, damage):
    data = bytearray(tiny.read_bytes())
    blocks = data.index(b"qwen2.block_count") + len(b"qwen2.block_count") + 4
    architecture = data.index(b"qwen2")
    if damage == "hostile":
        data[blocks : blocks + 4] = (100_000).to_bytes(4, "little")
    elif damage == "foreign":
        data[architecture : architecture + 5] = b"qwan9"
    content = {"truncated": data[: len(data) // 2], "html": b"<html></html>", "empty": b""}.get(damage, data)
    (home / "models" / "bad-Q4_K_M.gguf").write_bytes(content)
    shutil.copy(tiny, home / "models" / "good-Q4_K_M.gguf")
    good, bad = library.models()
    assert (good.id, bad.id) == ("good-Q4_K_M", "bad-Q4_K_M")
    assert good.problem == NOTHING
    assert bad.problem.en
    assert bad.problem.zh
    assert bad.size == len(content)
    assert opened(home).models() == (good, bad)  # from memory, too


def test_a_good_name_does_not_make_another_model_the_known_one(tiny, home, library):
    shutil.copy(tiny, home / "models" / KNOWN.files[0].file)  # a qwen2 by the name of a qwen3
    (model,) = library.models()
    assert model.catalog_id is None


# ---- names


def test_models_of_one_name_are_told_apart_for_good(tiny, home, library):
    for folder in ("a", "b"):
        (home / "models" / folder).mkdir()
        shutil.copy(tiny, home / "models" / folder / "same-Q4_K_M.gguf")
    own = library.add(mine(home, tiny, "c/same-Q4_K_M.gguf"))
    more = library.add(mine(home, tiny, "x/c/same-Q4_K_M.gguf"))
    assert sorted(model.id for model in library.models()) == [
        "same-Q4_K_M",
        "same-Q4_K_M@b",
        "same-Q4_K_M@c",
        "same-Q4_K_M@c-2",
    ]
    assert library.find("same-Q4_K_M").path.parent.name == "a"
    assert opened(home).find(own.id) == own
    assert opened(home).find(more.id) == more


def test_a_name_that_fits_several_asks_which_and_one_that_fits_none_tells_what_there_is(tiny, home, library):
    for quant in ("Q4_K_M", "Q8_0"):
        shutil.copy(tiny, home / "models" / f"m-{quant}.gguf")
    with pytest.raises(InvalidInput, match="m-Q4_K_M, m-Q8_0") as several:
        library.find("Scripted R1")
    with pytest.raises(NotFound, match="m-Q4_K_M, m-Q8_0") as none:
        library.find("other")
    with pytest.raises(NotFound):
        library.find("x" * 5000)
    assert (several.value.code, none.value.code) == ("ambiguous_model", "model_not_here")


# ---- "I have a file"


def test_a_file_of_one_s_own_is_used_where_it_lies_and_remembered(tiny, home, library):
    path = mine(home, tiny, "my model.gguf")
    model = library.add(path)
    assert (model.id, model.path, model.source, model.verified) == ("my model", path, "", False)
    assert files(home / "models") == []
    assert opened(home).models() == (model,)
    assert library.add(path) == model
    assert len(library.models()) == 1


def test_any_part_of_a_split_stands_for_all_of_it(parts, home, library):
    for part in parts:
        mine(home, part, part.name)
    model = library.add(home / "mine" / parts[2].name)
    assert model.path == home / "mine" / parts[0].name
    assert model.size == sum(part.stat().st_size for part in parts)


def test_a_link_and_a_relative_path_are_the_same_file(tiny, home, library, monkeypatch):
    path = mine(home, tiny, "m.gguf")
    model = library.add(path)
    (home / "link.gguf").symlink_to(path)
    monkeypatch.chdir(home)
    assert library.add(Path("link.gguf")) == model
    assert library.find("mine/m.gguf") == model
    assert library.find(home / "link.gguf") == model


def test_a_file_inside_the_models_folder_is_no_other_one_when_it_is_added(tiny, home, library):
    library.models()
    shutil.copy(tiny, home / "models" / "m.gguf")
    assert library.add(home / "models" / "m.gguf").id == "m"
    assert len(library.models()) == 1


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("not there.gguf", NotFound, "file_not_found"),
        ("", InvalidInput, "not_a_file"),
        ("page.gguf", InvalidInput, "not_gguf"),
        ("m-00002-of-00002.gguf", NotFound, "file_not_found"),
    ],
)
def test_what_is_no_model_is_not_added(home, library, name, kind, code):
    (home / "mine" / "page.gguf").write_text("<html>")
    (home / "mine" / "m-00002-of-00002.gguf").write_text("GGUF")
    with pytest.raises(kind) as error:
        library.add(home / "mine" / name)
    assert error.value.code == code
    assert library.models() == ()


def test_an_own_file_that_is_gone_stays_in_the_list_and_comes_back(tiny, home, library):
    path = mine(home, tiny, "m.gguf")
    library.add(path)
    away = path.rename(home / "unplugged")
    (model,) = library.rescan()
    assert "not there any more" in model.problem.en
    assert (model.id, model.name) == ("m", "Scripted R1")
    away.rename(path)
    (model,) = library.rescan()
    assert model.problem == NOTHING


# ---- away with it


def test_deleting_an_own_file_only_takes_it_off_the_list(tiny, home, library):
    path = mine(home, tiny, "m.gguf")
    deleted = library.delete(library.add(path).id)
    assert (library.models(), deleted.size) == ((), 0)
    assert path.exists()
    again = opened(home)
    assert (again.models(), again.deleted()) == ((), (deleted,))
    assert again.undelete(deleted.key) == opened(home).find("m")
    assert again.deleted() == ()


def test_an_own_file_that_was_hidden_is_shown_when_it_is_added_again(tiny, home, library):
    path = mine(home, tiny, "m.gguf")
    model = library.add(path)
    library.delete(model.id)
    assert library.add(path) == model
    assert (library.models(), library.deleted()) == ((model,), ())


def test_deleting_a_downloaded_model_takes_all_of_it(there, parts, tiny, home, library):
    there.add_repo(REPO, {part.name: part for part in parts})
    there.add_repo("other/Tiny", {"tiny-Q8_0.gguf": tiny})
    Fetch(there, home / "models").all()
    Fetch(there, home / "models", repo="other/Tiny").all()
    deleted = library.delete("tiny-Q4_K_M")
    assert files(home / "models") == ["other--Tiny", "other--Tiny/tiny-Q8_0.gguf", "other--Tiny/tiny-Q8_0.gguf.json"]
    assert [model.id for model in library.models()] == ["tiny-Q8_0"]
    assert deleted.size > sum(part.stat().st_size for part in parts)  # and the receipt
    library.empty_trash()
    assert list((home / "models" / ".trash").iterdir()) == []


def test_what_was_put_there_by_hand_is_not_deleted_but_hidden(tiny, home, library):
    shutil.copy(tiny, home / "models" / "m.gguf")
    deleted = library.delete("m")
    assert (home / "models" / "m.gguf").exists()
    assert opened(home).models() == ()
    assert library.undelete(deleted.key) == library.find("m")


def test_deleting_needs_the_whole_name(tiny, home, library):
    library.add(mine(home, tiny, "m-Q4_K_M.gguf"))
    with pytest.raises(NotFound):
        library.delete("Scripted R1")
    assert len(library.models()) == 1


# ---- the index


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[]", "null", '{"version": 99}', '{"version": 1, "own": 5, "seen": {}}',
     '{"version": 1, "checked_by": "x", "own": [5], "seen": {}}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":[1]}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":{},"hidden":{"a":5}}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":{},"chosen":{"a":{"version":5,"newest":""}}}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":{},"worn":{"a":[["x"]]}}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":{},"checked":{"a":{"stamp":[],"verdict":"x","sha256s":[]}}}',
     '{"version":1,"checked_by":"0.1.0","own":[],"seen":{"a":{"stamp":[[1,2]]}}}', "\x00\xff"],
)  # fmt: skip
def test_a_broken_index_is_put_aside_and_built_anew(tiny, home, library, broken):
    shutil.copy(tiny, home / "models" / "m.gguf")
    library.add(mine(home, tiny, "own.gguf"))
    index = home / "data" / "library.json"
    index.write_text(broken)
    again = opened(home)
    assert [model.id for model in again.models()] == ["m"]
    assert "damaged" in again.notices[0].en
    assert again.notices[0].zh
    assert (home / "data" / "library.json.broken").read_text() == broken
    assert json.loads(index.read_text())["own"] == []
    assert opened(home).notices == ()


def test_headers_are_read_once_and_again_only_when_the_file_or_the_program_changed(tiny, large, home, library):
    path = home / "models" / "m.gguf"
    shutil.copy(tiny, path)
    (before,) = library.models()
    stamp = path.stat()
    content = bytearray(path.read_bytes())
    content[:4] = b"????"  # as if it were still the same: size and time say so
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert opened(home).models() == (before,)
    index = home / "data" / "library.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"checked_by": "0.0.1"}))
    (judged_anew,) = opened(home).models()
    assert judged_anew.problem != NOTHING
    shutil.copy(large, path)
    (changed,) = opened(home).models()
    assert (changed.size, changed.problem) == (large.stat().st_size, NOTHING)


def test_an_index_that_cannot_be_written_spares_the_list_but_not_the_adding(tiny, home):
    (home / "data").write_text("a file where the folder should be")
    shutil.copy(tiny, home / "models" / "m.gguf")
    library = opened(home)
    assert [model.id for model in library.models()] == ["m"]
    with pytest.raises(StorageError):
        library.add(mine(home, tiny, "own.gguf"))
    assert [model.id for model in library.models()] == ["m"]


def test_many_threads_add_and_look_at_once(tiny, home, library):
    paths = [mine(home, tiny, f"m{number}.gguf") for number in range(8)]
    threads = [threading.Thread(target=library.add, args=(path,)) for path in paths]
    threads += [threading.Thread(target=library.rescan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.id for model in library.models()] == [f"m{number}" for number in range(8)]
    assert len(json.loads((home / "data" / "library.json").read_text())["own"]) == 8
