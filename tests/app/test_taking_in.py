"""What comes in by the window and what goes: files, folders, other programs' stores, adapters; deleted and put back."""

import shutil
from pathlib import Path

import pytest

from app.model_state import ModelState
from backends.core.phrase import Phrase
from tests.kit import looks
from tests.kit.adapters import redirecting_adapter
from tests.kit.desk import Desk
from tests.kit.embedders import random_bert
from tests.kit.ggufs import Script, scripted_model
from tests.kit.hub import HubServer
from tests.kit.stores import OllamaStore, put

COUNT = Script("", "One two three.", word="count")


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return scripted_model(tmp_path / "made" / "scripted.gguf")


def test_a_folder_brings_all_its_models_and_says_what_it_could_not_use(desk: Desk, gguf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    put(gguf, folder, "one.gguf")
    put(gguf, folder, "deep", "two.gguf")
    (folder / "broken.gguf").write_bytes(b"<html>")
    redirecting_adapter(folder / "poems.gguf", scripted_model(tmp_path / "m.gguf", scripts=[COUNT]), COUNT.answer)
    desk.controller.start()
    desk.page.file_chosen.emit(str(folder))
    desk.is_told("stick: 2 models, 1 adapter taken in; 1 file cannot be used.", "broken.gguf")
    desk.until(lambda: {model.path.name for model in desk.local} == {"one.gguf", "two.gguf"})
    assert desk.picture.loading is None, "nobody knows which one is wanted"
    assert [adapter.name for adapter in desk.services.library.adapters()] == ["poems"]


def test_another_program_s_store_is_used_where_it_lies(desk: Desk, gguf: Path, tmp_path: Path) -> None:
    home = tmp_path / ".lmstudio"
    there = put(gguf, home / "models", "publisher", "Some-GGUF", "some-F16.gguf")
    desk.controller.start()
    desk.page.file_chosen.emit(str(home))
    desk.until(lambda: desk.local)
    (model,) = desk.local
    assert (model.path, model.origin) == (there, "lm-studio")
    desk.sees("from LM Studio, used where it lies", str(there))
    assert desk.card(model).state.removal == "forget"
    assert not list(desk.services.models_folder.rglob("*.gguf")), "no second copy"


def test_an_ollama_store_with_a_missing_blob_gives_what_is_there(desk: Desk, gguf: Path, tmp_path: Path) -> None:
    store = OllamaStore(tmp_path / "ollama")
    store.put("deepseek-r1:8b", gguf)
    store.manifest("gone:1b", [store.layer("ef" * 32, 1000)])
    desk.controller.start()
    desk.page.file_chosen.emit(str(store.folder))
    desk.is_told("1 model taken in; 1 file cannot be used.")
    desk.until(lambda: desk.local)
    desk.sees("from Ollama, used where it lies", "deepseek-r1:8b")


def test_a_link_pasted_into_the_box_is_listed_and_fetched(desk: Desk, hub: HubServer, gguf: Path) -> None:
    hub.add_repo("tester/Old-GGUF", {"old-F16.gguf": gguf})
    commit = hub._repos["tester/Old-GGUF"].commit
    hub.add_repo("tester/Old-GGUF", {"old-F16.gguf": gguf.read_bytes() + b"\0" * 64})
    desk.controller.start()
    desk.until(lambda: desk.picture.local == ())
    desk.types(f"{hub.endpoint}/tester/Old-GGUF/blob/{commit}/old-F16.gguf")
    desk.presses("Download: F16")
    desk.until_loaded()
    (model,) = desk.local
    assert model.size == gguf.stat().st_size, "the state that the link named, not the newest"


def test_an_adapter_that_was_dropped_is_no_model(desk: Desk, tmp_path: Path) -> None:
    model = scripted_model(tmp_path / "m.gguf", scripts=[COUNT])
    desk.controller.start()
    desk.page.file_chosen.emit(str(redirecting_adapter(tmp_path / "poems.gguf", model, COUNT.answer)))
    desk.is_told("The adapter poems was taken in.")
    assert desk.picture.local == ()


def test_an_embedder_stands_with_what_documents_want_and_is_not_loaded(desk: Desk, gguf: Path, tmp_path: Path) -> None:
    bert = random_bert(tmp_path / "finder.gguf", name="Finder")
    desk.controller.start()
    desk.page.file_chosen.emit(str(bert))
    desk.until(lambda: desk.local)
    (model,) = desk.local
    assert model.kind == "embedding"
    desk.until(lambda: str(bert) in desk.page.documents.cards)
    assert str(bert) not in desk.page.here.cards
    assert "Load" not in looks.texts(desk.card(model)).splitlines()
    assert desk.picture.loading is None
    assert desk.services.loading.default_model() is None
    state = ModelState.of(desk.picture, "")
    assert (state.stage, state.available) == ("empty", ()), "no menu offers it as a chat model"


def test_what_suits_documents_is_offered_beside_the_chat_model(desk: Desk) -> None:
    desk.controller.start()
    desk.until(lambda: desk.picture.companions)
    kinds = [choice.model.kind for choice in desk.picture.companions]
    assert kinds[0] == "embedding"
    desk.sees("For documents", desk.picture.companions[0].model.name)
    card = desk.page.documents.cards[desk.picture.companions[0].model.id]
    assert "a page in about" in looks.texts(card)
    assert looks.button(card, "Download")


def test_what_was_deleted_is_put_back_later_or_erased(desk: Desk, hub: HubServer, gguf: Path) -> None:
    hub.add_repo("tester/Scripted-GGUF", {"scripted-F16.gguf": gguf})
    desk.controller.start()
    desk.controller.pull("tester/Scripted-GGUF:F16")
    desk.until_loaded()
    (model,) = desk.local
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)
    desk.presses(f"Delete it from this computer: {model.name}")
    desk.until(lambda: desk.local == [])
    assert not model.path.exists()
    desk.restart()
    desk.sees("Deleted", "Models that you deleted stay here for a day.")
    desk.presses(f"Put back: {model.name}")
    desk.until(lambda: [each.path for each in desk.local] == [model.path])
    assert model.path.exists()
    desk.until(lambda: not desk.page.deleted.isVisibleTo(desk.page))

    looks.button(desk.page, f"Delete it from this computer: {model.name}").click()
    desk.until(lambda: desk.picture.deleted)
    desk.page.deleted._erase.click()
    desk.until(lambda: desk.picture.deleted == ())
    assert not list(desk.services.models_folder.rglob("*.gguf"))


def test_a_folder_with_nothing_in_it_says_so(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    desk.page.file_chosen.emit(str(tmp_path / "empty"))
    desk.until(lambda: desk.board.banners)
    message = desk.board.banners[0].notice.message
    assert isinstance(message, Phrase)
    assert "empty" in message.en
    shutil.rmtree(tmp_path / "empty")
