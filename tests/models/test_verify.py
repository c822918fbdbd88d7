"""Is it still what the publisher gave? What can be proven, what cannot, and what is remembered."""

import os
import shutil
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, StorageError
from backends.models import elsewhere, verify
from backends.models.catalog import Catalog
from backends.models.elsewhere import Places
from backends.models.library import Library
from backends.models.types import LocalModel
from backends.models.verify import VerifyFinished, VerifyProgress
from tests.kit.fetch import REPO, Fetch
from tests.kit.stores import OllamaStore, put

CATALOG = Catalog.load()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def opened(home: Path) -> Library:
    places = Places(ollama=(home / "ollama",), hub=(home / "hub",))
    return Library(home / "models", CATALOG, home / "library.json", lambda: elsewhere.find(places))


def verified(library: Library, model: LocalModel) -> VerifyFinished:
    *progress, end = verify.verify(library, model, cancel=CancelToken())
    assert isinstance(end, VerifyFinished)
    fractions = [event.fraction for event in progress if isinstance(event, VerifyProgress)]
    assert fractions == sorted(fractions)
    return end


def damage(path: Path, at: int = -1, *, quietly: bool = False) -> None:
    """Change one byte; `quietly`: the file looks as if nobody had."""
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    if quietly:
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def come(there, home: Path, *models: Path, **options: object) -> Library:
    there.add_repo(REPO, {model.name: model for model in models}, **options)
    Fetch(there, home / "models").all()
    return opened(home)


def test_a_download_is_compared_with_its_receipt(there, home, tiny):
    library = come(there, home, tiny)
    model = library.find("tiny-Q4_K_M")
    end = verified(library, model)
    assert (end.verdict, end.model, end.damaged) == ("matches", model, ())
    checked = opened(home).checked(model)
    assert checked is not None
    assert (checked.verdict, checked.sha256s) == ("matches", (model.sha256,))


def test_damage_is_found_marked_and_gone_with_the_damage(there, home, tiny):
    library = come(there, home, tiny)
    model = library.find("tiny-Q4_K_M")
    damage(model.path, quietly=True)
    end = verified(library, model)
    assert (end.verdict, end.damaged) == ("differs", ("tiny-Q4_K_M.gguf",))
    assert "repaired" in end.said.en
    assert "Repair it" in end.model.problem.en
    assert not end.model.verified
    assert opened(home).find("tiny-Q4_K_M").problem == end.model.problem
    damage(model.path)  # and back
    again = opened(home)
    assert again.find("tiny-Q4_K_M").problem.en == ""  # nobody knows, it has changed
    assert verified(again, again.find("tiny-Q4_K_M")).verdict == "matches"


def test_of_a_split_the_damaged_file_is_named(there, home, parts):
    library = come(there, home, *parts)
    model = library.find("tiny-Q4_K_M")
    assert verified(library, model).verdict == "matches"
    damage(model.path.with_name(parts[1].name))
    end = verified(library, model)
    assert (end.verdict, end.damaged) == ("differs", (parts[1].name,))


def test_a_part_that_is_gone_cannot_be_read(there, home, parts):
    library = come(there, home, *parts)
    model = library.find("tiny-Q4_K_M")
    model.path.with_name(parts[2].name).unlink()
    with pytest.raises(StorageError, match="cannot be read") as error:
        verified(library, model)
    assert error.value.code == "file_not_readable"
    assert library.checked_before(model) is None


def test_ollama_s_digest_proves_a_blob(home, tiny):
    blob = OllamaStore(home / "ollama").put("r1:8b", tiny)
    library = opened(home)
    end = verified(library, library.find("r1:8b"))
    assert (end.verdict, end.model.verified) == ("matches", True)
    damage(blob)
    end = verified(library, library.find("r1:8b"))
    assert (end.verdict, end.model.verified) == ("differs", False)


def test_without_a_published_sum_the_structure_is_checked_and_the_bytes_are_remembered(home, tiny):
    path = put(tiny, home / "models/m.gguf")
    library = opened(home)
    end = verified(library, library.find("m"))
    assert end.verdict == "remembered"
    assert "cannot be proven" in end.said.en
    assert not end.model.verified
    again = opened(home)
    assert verified(again, again.find("m")).verdict == "remembered"
    damage(path)
    end = verified(again, again.find("m"))
    assert end.verdict == "changed"
    assert "not what it was" in end.said.en
    assert end.model.problem.en == ""
    path.write_bytes(tiny.read_bytes()[:-64])
    with pytest.raises(InvalidInput) as error:
        verified(again, again.find("m"))
    assert error.value.code == "truncated_file"


def test_a_hub_without_sums_proves_nothing(there, home, tiny):
    library = come(there, home, tiny, plain=[tiny.name])
    assert verified(library, library.find("tiny-Q4_K_M")).verdict == "remembered"


def test_it_can_be_cancelled_and_records_nothing_then(there, home, large):
    library = come(there, home, large)
    model, cancel = library.find("large-Q8_0"), CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(verify.verify(library, model, cancel=cancel))
    assert library.checked(model) is None


def test_a_disk_that_is_pulled_out(there, home, tiny):
    library = come(there, home, tiny)
    model = library.find("tiny-Q4_K_M")
    shutil.rmtree(home / "models")
    with pytest.raises(StorageError):
        verified(library, model)
