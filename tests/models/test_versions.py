"""Several versions of one model side by side: which one its name means, and the way back."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.models import partial
from backends.models.catalog import Catalog
from backends.models.index import Chosen
from backends.models.library import Library
from backends.models.names import Shelved, arranged, matching
from backends.models.newer import newer
from backends.models.types import LocalModel, Origin
from tests.kit.fetch import REPO, Fetch, finished

CATALOG = Catalog.load()
ORIGINS: tuple[Origin, ...] = ("downloaded", "own", "hub-cache", "ollama")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def opened(home: Path) -> Library:
    return Library(home / "models", CATALOG, home / "library.json")


def come(there, home: Path, model: Path, when: int) -> tuple[Path, str]:
    """A version is published and downloaded, `when` seconds after the first; its path and its name."""
    there.add_repo(REPO, {"m-Q4_K_M.gguf": model})
    path = finished(Fetch(there, home / "models").all()).path
    stamp = path.stat()
    os.utime(path, ns=(stamp.st_atime_ns, (1_700_000_000 + when) * 10**9))
    receipt = partial.read_record(path, partial.RECEIPT)
    assert receipt is not None
    return path, partial.version_of(receipt.commit)


@pytest.fixture
def two(there, home, tiny, large) -> tuple[tuple[Path, str], tuple[Path, str]]:
    return come(there, home, tiny, 0), come(there, home, large, 1)


def test_the_newest_version_is_the_one_that_the_name_means(home, two):
    (old_path, old), (new_path, new) = two
    library = opened(home)
    models = library.models()
    assert [(model.id, model.version, model.current, model.path) for model in models] == [
        ("m-Q4_K_M", new, True, new_path),
        (f"m-Q4_K_M@{old}", old, False, old_path),
    ]
    assert all(model.verified for model in models)
    assert library.versions("m-Q4_K_M") == models
    for wanted in (f"m-Q4_K_M@{old}", f"M-q4_k_m@{old}", f"m-Q4_K_M@{old[:5]}", str(old_path)):
        assert library.find(wanted) == models[1]
    for wanted in ("m-Q4_K_M", f"m-Q4_K_M@{new}", "Scripted R1", REPO):
        assert library.find(wanted) == models[0]


def test_the_way_back_and_forth_lasts(home, two):
    (_, old), (_, new) = two
    library = opened(home)
    former = library.use("m-Q4_K_M", old)
    assert (former.id, former.version, former.current) == ("m-Q4_K_M", old, True)
    for each in (library, opened(home)):
        assert [(m.id, m.version) for m in each.models()] == [("m-Q4_K_M", old), (f"m-Q4_K_M@{new}", new)]
    assert library.use(f"m-Q4_K_M@{new}", new).current
    assert opened(home).find("m-Q4_K_M").version == new


def test_a_version_that_comes_after_the_way_back_is_used_again(there, home, tiny, two):
    (_, old), _ = two
    opened(home).use("m-Q4_K_M", old)
    third = home / "third.gguf"
    third.write_bytes(tiny.read_bytes()[:-1] + b"!")
    _, newest = come(there, home, third, 2)
    assert next(model.version for model in opened(home).versions("m-Q4_K_M")) == newest
    assert opened(home).find("m-Q4_K_M").version == newest


def test_a_version_that_is_damaged_is_not_the_one_in_use(home, two):
    (_, old), (new_path, _) = two
    new_path.write_bytes(b"<html>")
    library = opened(home)
    assert library.find("m-Q4_K_M").version == old


def test_without_its_last_version_a_model_is_the_one_that_remains(home, two):
    (_, old), (_, new) = two
    library = opened(home)
    deleted = library.delete("m-Q4_K_M")
    assert [(model.id, model.version) for model in library.models()] == [("m-Q4_K_M", old)]
    library.undelete(deleted.key)
    assert library.find("m-Q4_K_M").version == new


@pytest.mark.parametrize("version", ["", "ffffffff", "x"])
def test_a_version_that_is_not_here(home, two, version):
    library = opened(home)
    with pytest.raises(NotFound, match="there is no version") as error:
        library.use("m-Q4_K_M", version)
    assert error.value.code == "version_not_here"


def test_a_file_without_versions_has_only_itself(home, tiny):
    (home / "models").mkdir()
    shutil.copy(tiny, home / "models" / "m.gguf")
    library = opened(home)
    assert library.versions("m") == library.models()
    with pytest.raises(NotFound, match="no version"):
        library.use("m", "1")


# ---- is there a newer one?


def test_a_hub_is_asked_for_newer_bytes(there, home, tiny, large, two):
    receipts = [partial.read_record(path, partial.RECEIPT) for path, _ in two]
    here = [receipt for receipt in receipts if receipt is not None]
    hub = Fetch(there, home / "models").hub
    assert newer(here, hub, cancel=CancelToken()) is None
    file = newer(here[:1], hub, cancel=CancelToken())
    assert file is not None
    assert (file.file, file.size) == ("m-Q4_K_M.gguf", large.stat().st_size)
    there.add_repo(REPO, {"other.gguf": tiny})
    assert newer(here, hub, cancel=CancelToken()) is None
    assert newer([], hub, cancel=CancelToken()) is None


def test_newer_parts_of_a_split_are_noticed(there, home, parts, tmp_path):
    there.add_repo(REPO, {part.name: part for part in parts})
    path = finished(Fetch(there, home / "models").all()).path
    receipt = partial.read_record(path, partial.RECEIPT)
    assert receipt is not None
    hub = Fetch(there, home / "models").hub
    assert newer([receipt], hub, cancel=CancelToken()) is None
    changed = tmp_path / "changed.gguf"
    changed.write_bytes(parts[-1].read_bytes()[:-1] + b"!")
    there.add_repo(REPO, {part.name: part for part in parts[:-1]} | {parts[-1].name: changed})
    file = newer([receipt], hub, cancel=CancelToken())
    assert file is not None
    assert len(file.parts) == len(parts)


# ---- names


@st.composite
def shelves(draw: st.DrawFn) -> list[Shelved]:
    """Models of few names, repositories and versions, so that they meet."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        version = draw(st.sampled_from(["", "aaaaaaaa", "bbbbbbbb"]))
        origin: Origin = draw(st.sampled_from(ORIGINS))
        model = LocalModel(
            id=draw(st.sampled_from(["m", "n:8b", "m@x"])),
            name="M",
            path=Path(f"/{draw(st.sampled_from('xy'))}/{number}.gguf"),
            size=1,
            architecture="qwen2",
            quant="",
            context_train=1,
            catalog_id=None,
            sha256=None,
            source="",
            verified=False,
            problem=draw(st.sampled_from([NOTHING, Phrase("no", "不")])),
            origin=origin,
            version=version,
        )
        key = draw(st.sampled_from(["r/m", "r/n"])) if version else ""
        found.append(Shelved(model, key, draw(st.integers(0, 3))))
    return found


@given(shelves(), st.dictionaries(st.sampled_from(["r/m", "r/n"]), st.builds(Chosen, st.just("aaaaaaaa"), st.text())))
def test_no_two_models_share_an_id_and_each_is_found_by_its_own(shelf, chosen):
    models = arranged(shelf, chosen)
    assert sorted(model.path for model in models) == sorted(each.model.path for each in shelf)
    assert len({model.id for model in models}) == len(models)
    for model in models:
        assert matching(model.id, models) == model
    problems = [model.problem != NOTHING for model in models]
    assert problems == sorted(problems)
