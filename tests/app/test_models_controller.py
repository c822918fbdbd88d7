"""From a press to a model that answers: the real services, a real hub on 127.0.0.1, the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.phrase import Phrase
from tests.kit import looks
from tests.kit.desk import Desk
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer

LONG = 60_000
REPO = "tester/Scripted-GGUF"
REF = f"{REPO}:F16"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "scripted-F16.gguf", "Hm.", "Hello.")


@pytest.fixture
def hub(gguf: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {"scripted-F16.gguf": gguf})
        yield hub


def test_a_fresh_computer_is_looked_at(desk: Desk) -> None:
    assert desk.picture.local is None
    desk.controller.start()
    desk.until(lambda: desk.picture.advice is not None and desk.picture.local is not None)
    assert desk.picture.machine is not None
    assert desk.picture.local == ()
    assert desk.picture.folder == desk.services.models_folder
    assert desk.picture.loaded is None


def test_a_token_opens_what_is_private(desk: Desk, hub: HubServer, gguf: Path) -> None:
    hub.add_repo("tester/Private-GGUF", {"private-F16.gguf": gguf}, token="hf_secret")
    ref = "tester/Private-GGUF:F16"
    desk.controller.pull(ref)
    assert desk.until_state("failed").source_may_help
    host = hub.endpoint.removeprefix("http://")
    desk.controller.look_up_token()
    desk.until(lambda: desk.picture.token.is_set is False)
    assert desk.picture.token.host == host
    assert desk.picture.token.notice.en, "memory only, which is said"
    refusals: list[Phrase] = []
    desk.controller.token_refused.connect(refusals.append)
    desk.controller.set_token("two words")
    assert refusals
    desk.controller.set_token("  hf_secret\n")
    desk.until(lambda: desk.picture.token.is_set is True)
    desk.controller.pull(ref)
    desk.until_loaded()
    assert "hf_secret" not in repr(desk.picture)
    assert "hf_secret" not in (desk.services.paths.config / "settings.json").read_text()
    desk.controller.remove_token()
    desk.until(lambda: desk.picture.token.is_set is False)
    assert desk.services.secrets.get(f"token:{host}") is None


def test_a_token_that_was_just_typed_counts_for_the_next_try(desk: Desk, hub: HubServer, gguf: Path) -> None:
    hub.add_repo("tester/Private-GGUF", {"private-F16.gguf": gguf}, token="hf_secret")
    desk.controller.set_token("hf_secret")
    desk.controller.pull("tester/Private-GGUF:F16")
    assert desk.picture.downloads == ()
    desk.until_loaded()


def test_another_hub_has_another_token(desk: Desk) -> None:
    desk.controller.set_token("hf_secret")
    desk.until(lambda: desk.picture.token.is_set is True)
    desk.services.settings.set("network.endpoint", "https://hub.example")
    desk.until(lambda: desk.picture.token.host == "hub.example")
    assert desk.picture.token.is_set is None
    assert desk.picture.network is not None
    assert desk.picture.network.endpoint == "https://hub.example"


def test_a_file_of_ones_own_is_used_where_it_lies(desk: Desk, gguf: Path) -> None:
    desk.controller.start()
    desk.until(lambda: desk.picture.local == ())
    desk.controller.add_file(str(gguf))
    desk.until_loaded()
    assert desk.picture.loaded is not None
    assert desk.picture.loaded.path == gguf
    [model] = desk.local
    desk.controller.remove(model)
    desk.until(lambda: desk.picture.local == () and desk.picture.loaded is None)
    assert gguf.exists()
    desk.press("Undo")
    desk.until(lambda: desk.picture.local == (model,))
    assert desk.picture.loaded is None, "it is back on the list, no more was asked for"


def test_a_file_that_is_no_model_is_refused_in_words(desk: Desk, tmp_path: Path) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"<!DOCTYPE html>")
    desk.controller.add_file(str(fake))
    desk.until(lambda: "fake.gguf: This is not a GGUF" in looks.texts(desk.board))
    assert desk.picture.loading is None


def test_a_downloaded_model_is_deleted_from_the_disk(desk: Desk) -> None:
    desk.controller.pull(REF)
    desk.until_loaded()
    [model] = desk.local
    desk.controller.remove(model)
    desk.until(lambda: desk.picture.local == ())
    assert desk.picture.loaded is None
    assert not model.path.exists()
    desk.until(lambda: [one.name for one in desk.picture.deleted] == [model.name])
    desk.press("Undo")
    desk.until(lambda: [each.path for each in desk.local] == [model.path])
    assert model.path.exists()

    desk.controller.remove(desk.local[0])
    desk.press("Free the space now")
    desk.until(lambda: desk.picture.deleted == () and desk.picture.local == ())
    assert not list(desk.services.models_folder.rglob("*.gguf"))


def test_a_second_model_does_not_push_the_first_one_out(desk: Desk, hub: HubServer, gguf: Path) -> None:
    desk.controller.add_file(str(gguf))
    desk.until_loaded()
    first = desk.picture.loaded
    desk.controller.pull(REF)
    desk.until(lambda: "is on this computer now" in looks.texts(desk.board))
    assert desk.picture.loaded == first
    desk.press("Load")
    desk.until(lambda: desk.picture.loaded is not None and desk.picture.loaded != first)


def test_a_load_can_be_stopped(desk: Desk, gguf: Path) -> None:
    list(desk.services.engine.suspend())  # else it may be over before it is stopped
    desk.controller.add_file(str(gguf))
    desk.until(lambda: desk.picture.loading is not None)
    desk.controller.cancel_load()
    desk.until(lambda: desk.picture.loading is None)
    assert desk.picture.loaded is None
    assert not desk.board.banners


def test_a_model_that_cannot_be_loaded_says_why_and_what_to_press(desk: Desk, tmp_path: Path, gguf: Path) -> None:
    moved = tmp_path / "moved.gguf"
    moved.write_bytes(gguf.read_bytes())
    desk.controller.start()
    desk.controller.add_file(str(moved))
    desk.until_loaded()
    [model] = desk.local
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)
    moved.unlink()
    desk.controller.load(model)
    desk.until(lambda: desk.picture.loading is None and "moved.gguf" in looks.texts(desk.board))


def test_the_engine_tells_of_itself(desk: Desk) -> None:
    with desk.qtbot.waitSignal(desk.controller.engine_known, timeout=LONG) as told:
        desk.controller.look_up_engine()
    assert told.args is not None
    assert told.args[0].startswith("llama-cpp-python 0.")
    assert "CPU: " in told.args[0]
