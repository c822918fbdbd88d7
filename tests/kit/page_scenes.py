"""Scenes of the pages about models, of the settings and of what the app is, for `tests.kit.shots`."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.notices import Notice
from app.picture import AccessToken, Picture
from app.widgets.about_page import AboutPage
from app.widgets.first_run import FirstRunPage
from app.widgets.models_page import ModelsPage
from app.widgets.settings_page import SettingsPage
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.setting_groups import NetworkSettings
from backends.core.settings import Settings
from backends.models.types import LocalModel
from tests.kit import looks, pictures

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]


def page(name: str, picture: Picture) -> Scene:
    """A page about models with a made picture on it."""

    def scene(studio: "Studio") -> None:
        page = FirstRunPage() if name == "first_run" else ModelsPage()
        page.show_picture(picture)
        studio.window.add_page(name, page)
        studio.window.show_page(name)

    return scene


def waits(studio: "Studio") -> None:
    """Another model is wanted while an answer is written."""
    page("models", pictures.loading(pictures.of(), pictures.downloaded(pictures.pick(pictures.of()))))(studio)
    studio.window.notices.post(
        Notice(Phrase("The model changes when the running answer is done.", "当前回答完成后切换模型。"))
    )


def opened(picture: Picture) -> Scene:
    """The first repository that was found shows its files."""

    def scene(studio: "Studio") -> None:
        page("models", picture)(studio)
        models = studio.window.findChild(ModelsPage)
        assert isinstance(models, ModelsPage)
        next(iter(models.found.repositories.values()))._on_toggled()

    return scene


def at_end(picture: Picture) -> Scene:
    """What stands far below."""

    def scene(studio: "Studio") -> None:
        page("models", picture)(studio)
        models = studio.window.findChild(ModelsPage)
        assert isinstance(models, ModelsPage)
        looks.settle()
        models.ensureWidgetVisible(models.documents, 0, studio.window.height() // 2)

    return scene


def sources(studio: "Studio") -> None:
    """Where downloads come from, open, with a second source."""
    network = NetworkSettings(more_sources="https://modelscope.cn", speed_limit=2.5)
    picture = replace(pictures.of(), network=network, token=AccessToken("huggingface.co", False))
    page("models", picture)(studio)
    models = studio.window.findChild(ModelsPage)
    assert isinstance(models, ModelsPage)
    models.source.open()


def stepped(studio: "Studio") -> None:
    """A load went another way."""
    picture = pictures.of()
    model = pictures.downloaded(pictures.smallest(picture), "Q8_0")
    page("models", replace(picture, local=(model,), loaded=pictures.loaded(model)))(studio)
    change = Phrase("It goes on with a context of 16,384 instead of 32,768.", "改用 16,384 的上下文（原为 32,768）。")
    cost = Phrase("Long conversations are cut earlier.", "长对话会更早被截断。")
    why = Phrase(
        "The engine could not get 3.4 GiB of memory: ggml_backend_cuda_buffer_type_alloc_buffer: out of memory.",
        "引擎无法分配 3.4 GiB 内存：ggml_backend_cuda_buffer_type_alloc_buffer: out of memory。",
    )
    said = Phrase(f"{model.name}: {change.en}", f"{model.name}：{change.zh}")
    studio.window.notices.post(Notice(said, Phrase(f"{cost.en} {why.en}", f"{cost.zh}{why.zh}"), "warning"))


def trying(picture: Picture, model: LocalModel) -> Picture:
    shown = pictures.loading(picture, model, 0.6)
    assert shown.loading is not None
    return replace(shown, loading=replace(shown.loading, trying=True))


def settings(studio: "Studio") -> None:
    page = SettingsPage()
    page.show_settings(Settings())
    page.remembered.show_bytes(1_840_000_000)
    studio.window.add_page("settings", page)
    studio.window.show_page("settings")


def engine_settings(studio: "Studio") -> None:
    """What stands far below."""
    settings(studio)
    page = studio.window.findChild(SettingsPage)
    assert isinstance(page, SettingsPage)
    looks.settle()
    page.ensureWidgetVisible(page.remembered, 0, studio.window.height() // 2)


def about(studio: "Studio") -> None:
    page = AboutPage(Paths.under(Path("/home/lin/DeskSeek")))
    page.show_engine("llama-cpp-python 0.3.36\nCUDA0: NVIDIA GeForce RTX 4060\nCPU: AMD Ryzen 7 7700")
    studio.window.add_page("about", page)
    studio.window.show_page("about")


def pages() -> Iterator[tuple[str, Scene]]:
    """The other pages, in their states."""
    fresh = pictures.of()
    here = pictures.downloaded(pictures.pick(fresh))
    failed = pictures.coming(
        fresh,
        "failed",
        message=pictures.NO_ANSWER,
        hint=pictures.NO_ANSWER_HINT,
        source_may_help=True,
        other_sources=("https://hf-mirror.com", "https://modelscope.cn"),
    )
    waiting = pictures.coming(fresh, "waiting", message=pictures.LOST, next_try=time.monotonic() + 8)
    states = {
        "looking": Picture(),
        "fresh": fresh,
        "laptop": pictures.of(pictures.LAPTOP),
        "too_small": pictures.of(pictures.TOO_SMALL),
        "workstation": pictures.of(pictures.WORKSTATION),
        "coming": pictures.coming(fresh, "running", bytes_per_s=12.4e6, seconds_left=252),
        "waiting": waiting,
        "verifying": pictures.coming(fresh, "verifying", fraction=0.6),
        "paused": pictures.coming(fresh, "paused"),
        "failed": failed,
        "disk_full": pictures.coming(fresh, "failed", message=pictures.DISK_FULL, hint=pictures.DISK_FULL_HINT),
        "loading": pictures.loading(fresh, here),
    }
    for state, picture in states.items():
        yield f"first_run_{state}", page("first_run", picture)
    yield "models_fresh", page("models", fresh)
    yield "models_busy", page("models", pictures.busy())
    yield "models_loading", page("models", pictures.loading(fresh, here))
    yield "models_queue", page("models", pictures.queued())
    yield "models_of_others", page("models", pictures.of_others())
    yield "models_documents", at_end(pictures.of_others())
    yield "models_sources", sources
    yield "models_stepped", stepped
    yield "models_trying", page("models", trying(fresh, here))
    yield "models_found", page("models", pictures.searched())
    yield "models_files", opened(pictures.searched())
    yield "models_missed", opened(pictures.missed())
    yield "models_direct", page("models", pictures.direct())
    yield "models_linked", page("models", pictures.linked())
    yield "models_not_found", page("models", pictures.not_found())
    yield "models_not_searched", page("models", pictures.not_searched())
    yield "models_details", page("models", pictures.detailed())
    yield "models_making", page("models", pictures.detailed(work=True))
    yield "models_waits", waits
    yield "settings", settings
    yield "settings_engine", engine_settings
    yield "about", about


SCENES: dict[str, Scene] = dict(pages())
