"""The shelf as the window and the command line use it: taking in, checking, switching, deleting, adapters."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, NotFound
from backends.core.paths import Paths
from backends.engine.protocol import Finished, GenerateRequest, LoadFinished, Sampling, TextDelta, Turn
from backends.models import partial, trash
from backends.models.download import DownloadFinished
from backends.models.partial import FilePart, Record
from backends.models.taking_in import ImportFinished, ImportLink
from backends.models.types import LocalModel
from backends.models.verify import VerifyFinished
from backends.services import Services
from tests.kit.adapters import redirecting_adapter
from tests.kit.ggufs import ANSWER, Script, scripted_model
from tests.kit.hub import HubServer
from tests.kit.stores import OllamaStore, put, sha256

Opened = Callable[[], AbstractContextManager[Services]]
REPO, FILE = "unsloth/Tiny-GGUF", "tiny-Q4_K_M.gguf"
COUNT = Script("", " ".join(f"n{number}" for number in range(20)), word="count")


def downloaded(services: Services, model: Path, commit: str, when: int, endpoint: str = "https://x.example") -> Path:
    """A version as a download leaves it, `when` seconds after the first."""
    piece = FilePart(FILE, model.stat().st_size, sha256(model), "", checked=True)
    record = Record(endpoint, REPO, commit, "Q4_K_M", (piece,))
    version = partial.version_for(services.models_folder, record)
    path = put(model, partial.place(services.models_folder, REPO, FILE, version))
    os.utime(path, ns=(1, (1_700_000_000 + when) * 10**9))
    partial.write_receipt(path, Record(endpoint, REPO, commit, "Q4_K_M", (piece,), version))
    return path


@pytest.fixture
def versions(services: Services, tmp_path: Path) -> tuple[LocalModel, LocalModel]:
    """The newer one first; one says the greeting, the other one something else."""
    downloaded(services, scripted_model(tmp_path / "old.gguf", "", "I am the former."), "a" * 40, 0)
    downloaded(services, scripted_model(tmp_path / "new.gguf", "", "I am the newer one."), "b" * 40, 1)
    new, old = services.library.rescan()
    return new, old


def said(services: Services) -> str:
    request = GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0))
    events = list(services.engine.generate(request))
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_switch_of_version_loads_the_other_one_and_back(services, versions):
    new, old = versions
    list(services.loading.load(new))
    assert "newer" in said(services)
    events = list(services.shelf.use(old))
    assert isinstance(events[-1], LoadFinished)
    assert (events[-1].model.path, events[-1].model.alias) == (old.path, new.id)
    assert "former" in said(services)
    (back,) = [model for model in services.library.models() if not model.current]
    assert list(services.shelf.use(back))
    assert "newer" in said(services)
    assert services.settings.current.models.default_model == new.id


def test_a_switch_loads_nothing_if_no_version_was_loaded(services, versions):
    _, old = versions
    assert list(services.shelf.use(old)) == []
    assert services.engine.model is None
    assert services.library.find(old.source).version == old.version
    default = services.loading.default_model()
    assert default is not None
    assert default.path == old.path


def test_what_is_loaded_is_unloaded_deleted_and_put_back(services, versions):
    new, old = versions
    changes = services.changes()
    list(services.loading.load(new))
    (deleted,) = services.shelf.remove(services.library.find(new.id))
    assert services.engine.model is None
    assert not new.path.exists()
    assert services.shelf.deleted() == (deleted,)
    assert [model.path for model in services.library.models()] == [old.path]
    (model,) = services.shelf.put_back(deleted.key)
    assert model == new
    assert "library" in changes.drain()
    services.library.delete(new.id)
    assert next(iter(services.shelf.empty_trash())) > 0
    with pytest.raises(NotFound):
        list(services.shelf.put_back(deleted.key))


def test_a_start_erases_what_was_deleted_a_day_ago(opened: Opened, tmp_path: Path) -> None:
    with opened() as services:
        downloaded(services, scripted_model(tmp_path / "m.gguf"), "a" * 40, 0)
        path = services.library.rescan()[0].path
        list(services.shelf.tidy())  # that of the start is over
        trash.put(services.models_folder, "old", [path], now=0.0)
        assert len(services.shelf.deleted()) == 1
    with opened() as services:
        list(services.shelf.tidy())  # after that of the start
        assert services.shelf.deleted() == ()


def test_a_file_a_folder_and_a_link_come_in(services, tmp_path):
    (tmp_path / "files").mkdir()
    model = scripted_model(tmp_path / "files" / "m.gguf")
    (*_, end) = services.shelf.import_(model)
    assert isinstance(end, ImportFinished)
    assert [each.path for each in end.models] == [model]
    (*_, end) = services.shelf.import_(str(tmp_path / "files"), copy=True)
    assert isinstance(end, ImportFinished)
    assert end.models[0].path.is_relative_to(services.models_folder)
    (link,) = services.shelf.import_("https://huggingface.co/unsloth/Tiny-GGUF/blob/main/tiny-Q4_K_M.gguf")
    assert isinstance(link, ImportLink)
    assert "unsloth/Tiny-GGUF" in link.ref
    with pytest.raises(InvalidInput):
        list(services.shelf.import_("https://huggingface.co/../../etc"))


def test_it_is_verified_and_the_hub_is_asked_for_a_newer_one(services, tmp_path):
    model, newer = scripted_model(tmp_path / "m.gguf"), scripted_model(tmp_path / "n.gguf", "", "Newer.")
    with HubServer() as there:
        there.add_repo(REPO, {FILE: model})
        downloaded(services, model, "a" * 40, 0, there.endpoint)
        (local,) = services.library.rescan()
        (*_, end) = services.shelf.verify(local)
        assert isinstance(end, VerifyFinished)
        assert end.verdict == "matches"
        assert list(services.shelf.newer(local)) == [None]
        there.add_repo(REPO, {FILE: newer})
        (file,) = services.shelf.newer(local)
        assert file is not None
        assert (file.file, file.size) == (FILE, newer.stat().st_size)


def test_what_is_damaged_is_found_marked_and_repaired(services, tmp_path):
    with HubServer() as there:
        there.add_repo(REPO, {FILE: scripted_model(tmp_path / "m.gguf", slow=8)})
        services.settings.set("network.endpoint", there.endpoint)
        list(services.downloads.pull(REPO))
        (model,) = services.library.rescan()
        list(services.loading.load(model))
        content = bytearray(model.path.read_bytes())
        content[-3] ^= 1
        fresh = model.path.with_name("fresh")
        fresh.write_bytes(content)  # another file under its name: the loaded one is mapped
        fresh.replace(model.path)
        (*_, end) = services.shelf.verify(model)
        assert isinstance(end, VerifyFinished)
        assert (end.verdict, end.damaged) == ("differs", (FILE,))
        (*_, repaired) = services.shelf.repair(end.model)
        assert isinstance(repaired, DownloadFinished)
        assert services.engine.model is None
        now = services.library.find(model.id)
        assert (now.path, now.verified, now.problem.en) == (model.path, True, "")
        assert sha256(now.path) == model.sha256


def test_a_file_of_one_s_own_has_no_newer_one_and_no_repair(services, tmp_path):
    local = services.library.add(scripted_model(tmp_path / "m.gguf"))
    assert list(services.shelf.newer(local)) == [None]
    with pytest.raises(NotFound):
        list(services.shelf.repair(local))


def test_adapters_are_switched_while_the_model_is_loaded_and_come_with_it(services, tmp_path):
    path = scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT])
    model = services.library.add(path)
    list(services.loading.load(model))
    assert said(services) == ANSWER
    (adapter,) = services.shelf.add_adapter(redirecting_adapter(tmp_path / "count.gguf", path, COUNT.answer))
    assert services.library.adapters() == (adapter,)
    assert list(services.shelf.set_adapters(model, [(adapter, 1.0)])) == [((adapter, 1.0),)]
    assert said(services).startswith("n0 n1")
    list(services.shelf.set_adapters(model, []))
    assert said(services) == ANSWER
    list(services.shelf.set_adapters(model, [(adapter, 1.0)]))
    list(services.loading.unload())
    list(services.loading.load(model))
    assert said(services).startswith("n0 n1")
    list(services.shelf.remove_adapter(adapter))
    assert services.shelf.adapters_of(model) == ()


def test_other_programs_models_are_offered_unless_the_person_says_no(tmp_path, monkeypatch):
    home, here = tmp_path / "person", Path.cwd()
    for variable in ("OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "LLAMA_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    OllamaStore(home / ".ollama" / "models").put("r1:8b", scripted_model(tmp_path / "m.gguf"))
    paths = Paths.under(tmp_path / "ours")
    paths = Paths(paths.config, paths.data, paths.models, paths.cache, paths.state, home)
    try:
        with Services.open(paths) as services:
            assert "r1:8b" in [model.id for model in services.library.models()]
            changes = services.changes()
            services.settings.set("models.find_others", False)
            next(change for change in changes if change == "library")
            assert "r1:8b" not in [model.id for model in services.library.models()]
    finally:
        os.chdir(here)


def test_without_a_home_nobody_is_looked_for(services):
    assert services.paths.home is None
    assert services.library.models() == ()
