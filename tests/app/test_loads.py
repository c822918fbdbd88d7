"""A load that is tried first, that goes another way, that cannot be: the window says what happened, and survives."""

from dataclasses import replace
from pathlib import Path

import psutil

from app.picture import Loading
from tests.kit import looks
from tests.kit.crashing import crashing
from tests.kit.desk import Desk
from tests.kit.ggufs import scripted_model
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model


def test_a_new_file_is_tried_in_a_process_of_its_own_and_the_card_says_so(desk: Desk, tmp_path: Path) -> None:
    seen: list[Loading] = []
    desk.controller.picture_changed.connect(lambda: seen.append(desk.picture.loading) if desk.picture.loading else None)
    words: list[str] = []
    desk.controller.picture_changed.connect(lambda: words.append(looks.texts(desk.page.here)))
    desk.controller.start()
    model = desk.takes_in(scripted_model(tmp_path / "greeter.gguf"))
    assert any(loading.trying for loading in seen)
    assert any("Trying it for the first time" in text for text in words)
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)
    seen.clear()
    desk.controller.load(model)
    desk.until_loaded()
    assert seen
    assert not any(loading.trying for loading in seen), "it is known now"


def test_what_does_not_fit_goes_on_as_something_smaller_and_says_what_that_costs(desk: Desk, tmp_path: Path) -> None:
    huge = shaped_model(tmp_path / "twins-F16.gguf", replace(real("r1-distill-qwen-32b"), layers=512), "F16")
    assert huge.stat().st_size > psutil.virtual_memory().total
    good = scripted_model(tmp_path / "twins-Q4_K_M.gguf", name="Shaped qwen2")
    desk.controller.start()
    model, other = desk.services.library.add(huge), desk.services.library.add(good)
    desk.controller.load(model)
    desk.until_loaded()
    assert desk.picture.loaded is not None
    assert desk.picture.loaded.path == other.path
    desk.is_told("Q4_K_M instead of F16", "less exact", "needs about")
    (banner,) = [one for one in desk.board.banners if one.notice.key.startswith("stepped:")]
    assert banner.notice.tone == "warning"

    desk.controller.load(other)
    desk.until_loaded()
    assert not [one for one in desk.board.banners if one.notice.key.startswith("stepped:")], "that was another load"


def test_a_model_that_ends_the_engine_leaves_the_window_as_it_was(desk: Desk, tmp_path: Path) -> None:
    bad = desk.services.library.add(crashing(tmp_path / "bad.gguf", "Bad"))
    good = desk.services.library.add(scripted_model(tmp_path / "good.gguf"))
    desk.controller.start()
    desk.controller.load(bad)
    desk.is_told("bad.gguf", "GGML_ASSERT")
    desk.until(lambda: desk.picture.loading is None)
    assert "Try again" in looks.texts(desk.board)
    desk.controller.load(good)
    desk.until_loaded()
    desk.until(lambda: "GGML_ASSERT" not in looks.texts(desk.board))


def test_a_model_that_went_with_its_disk_is_missed_and_a_deleted_one_is_not(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    model = desk.takes_in(scripted_model(tmp_path / "stick" / "greeter.gguf"))
    model.path.parent.rename(tmp_path / "pulled out")
    desk.restart()
    desk.controller.load_default()
    desk.is_told("greeter", "connect it")

    (tmp_path / "pulled out").rename(model.path.parent)
    desk.restart()
    desk.until(lambda: desk.picture.local)
    desk.controller.remove(desk.picture.local[0] if desk.picture.local else model)
    desk.until(lambda: desk.picture.local == ())
    assert desk.services.settings.current.models.default_model == ""
