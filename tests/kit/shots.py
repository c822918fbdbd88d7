"""Pictures of every page: `python -m tests.kit.shots FOLDER [scene …]`.

Each scene in both languages and schemes and three sizes, drawn offscreen. Look at them before you say that
something is done.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.application import Application
from app.lists.conversations import ConversationList
from app.lists.messages import Live, MessageList
from app.model_state import ModelState
from app.notices import Notice, NoticeButton, error_notice
from app.picture import AccessToken, Picture
from app.theme import Scheme
from app.widgets.about_page import AboutPage
from app.widgets.chat_page import ChatPage
from app.widgets.first_run import FirstRunPage
from app.widgets.main_window import MainWindow
from app.widgets.models_page import ModelsPage
from app.widgets.settings_page import SettingsPage
from backends.chat.types import INTERRUPTED, Problem
from backends.core.errors import DownloadError
from backends.core.paths import Paths
from backends.core.phrase import Language, Phrase
from backends.core.setting_groups import NetworkSettings
from backends.core.settings import Settings
from backends.models.types import LocalModel
from tests.kit import (
    api_scenes,
    branch_scenes,
    chat_search_scenes,
    composer_scenes,
    document_scenes,
    export_scenes,
    formula_scenes,
    option_scenes,
    panel_scenes,
    pictures,
    scenes,
)

SIZES = ((1280, 800), (1920, 1080), (760, 520))

MODEL = LocalModel(
    id="r1-0528-qwen3-8b:Q4_K_M",
    name="DeepSeek R1-0528 Qwen3 8B",
    path=Path("DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf"),
    size=5_027_784_224,
    architecture="qwen3",
    quant="Q4_K_M",
    context_train=131_072,
    catalog_id="r1-0528-qwen3-8b",
    sha256=None,
    source="",
    verified=True,
)
READY = ModelState("ready", MODEL, device="CUDA0", context=16_384, available=(MODEL,))


class Studio:
    """One window with made data in it. A scene arranges it."""

    def __init__(self, app: Application, language: Language) -> None:
        self.app = app
        self.language: Language = language
        self.window = MainWindow()
        self.conversations = ConversationList()
        self.messages = MessageList()
        self.chat = ChatPage(self.conversations, self.messages)
        self.window.add_page("chat", self.chat)
        self.window.show_page("chat")

    def with_conversations(self) -> None:
        rows = scenes.conversations(self.language)
        self.conversations.show(rows)
        self.chat.show_state(READY)
        self.chat.panel.show_current(1)
        self.chat.show_title(rows[0].title, editable=True)


def begin(studio: Studio) -> None:
    studio.chat.show_state(READY)
    studio.chat.focus_composer()


def no_model(studio: Studio) -> None:
    studio.chat.show_state(ModelState("empty"))


def answered(studio: Studio) -> None:
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    studio.chat.transcript.verticalScrollBar().setValue(0)


def thoughts(studio: Studio) -> None:
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    studio.chat.transcript.in_sight[1].set_thinking_open(True)  # type: ignore[union-attr]
    studio.chat.transcript.tick()
    studio.messages.reset(scenes.finished(studio.language))


def thinking(studio: Studio) -> None:
    studio.with_conversations()
    live = Live("thinking", thinking_since=time.monotonic() - 12)
    row = scenes.on_its_way(live, studio.language)
    studio.messages.reset((*scenes.finished(studio.language), scenes.follow_up(studio.language), row))
    studio.conversations.show_busy(frozenset({1}))
    studio.chat.composer.set_busy(True)


def doing(live: Live) -> Callable[[Studio], None]:
    """An answer that waits, or is hurried."""

    def scene(studio: Studio) -> None:
        studio.with_conversations()
        row = scenes.on_its_way(live, studio.language)
        studio.messages.reset((scenes.follow_up(studio.language), row))
        studio.chat.composer.set_busy(True)

    return scene


def cut_off(problem: Problem | None) -> Callable[[Studio], None]:
    def scene(studio: Studio) -> None:
        studio.with_conversations()
        studio.messages.reset((scenes.follow_up(studio.language), scenes.cut_off(studio.language, problem)))

    return scene


def waits(studio: Studio) -> None:
    """Another model is wanted while an answer is written."""
    page("models", pictures.loading(pictures.of(), pictures.downloaded(pictures.pick(pictures.of()))))(studio)
    studio.window.notices.post(
        Notice(Phrase("The model changes when the running answer is done.", "当前回答完成后切换模型。"))
    )


def loading(studio: Studio) -> None:
    studio.with_conversations()
    studio.chat.show_state(ModelState("loading", MODEL, fraction=0.4, available=(MODEL,)))
    row = scenes.on_its_way(Live("loading", 0.4, detail=MODEL.name), studio.language)
    studio.messages.reset((scenes.follow_up(studio.language), row))
    studio.chat.composer.set_busy(True)
    studio.chat.composer.set_text("…")


def failed(studio: Studio) -> None:
    studio.with_conversations()
    studio.messages.reset((scenes.follow_up(studio.language), scenes.failed()))
    studio.chat.composer.set_text(scenes.ANSWER_ZH[:200] if studio.language == "zh" else scenes.ANSWER_EN[:300])


def notices(studio: Studio) -> None:
    begin(studio)
    studio.with_conversations()
    lost = DownloadError(
        Phrase("The connection to huggingface.co was lost.", "与 huggingface.co 的连接已断开。"),
        Phrase("What was downloaded is kept; the download goes on from there.", "已下载的部分会保留，稍后从断点继续。"),
    )
    again = NoticeButton(Phrase("Try again", "重试"), lambda: None)
    studio.window.notices.post(error_notice(lost, again))
    undo = NoticeButton(Phrase("Undo", "撤销"), lambda: None)
    studio.chat.notices.post(
        Notice(Phrase("“Bread without kneading” was deleted.", "已删除“免揉面包”。"), buttons=(undo,))
    )


def page(name: str, picture: Picture) -> Callable[[Studio], None]:
    """A page about models with a made picture on it."""

    def scene(studio: Studio) -> None:
        page = FirstRunPage() if name == "first_run" else ModelsPage()
        page.show_picture(picture)
        studio.window.add_page(name, page)
        studio.window.show_page(name)

    return scene


def opened(picture: Picture) -> Callable[[Studio], None]:
    """The first repository that was found shows its files."""

    def scene(studio: Studio) -> None:
        page("models", picture)(studio)
        models = studio.window.findChild(ModelsPage)
        assert isinstance(models, ModelsPage)
        next(iter(models.found.repositories.values()))._on_toggled()

    return scene


def at_end(picture: Picture) -> Callable[[Studio], None]:
    """What stands far below."""

    def scene(studio: Studio) -> None:
        page("models", picture)(studio)
        models = studio.window.findChild(ModelsPage)
        assert isinstance(models, ModelsPage)
        settle(studio.app, studio.window)
        models.ensureWidgetVisible(models.documents, 0, studio.window.height() // 2)

    return scene


def sources(studio: Studio) -> None:
    """Where downloads come from, open, with a second source."""
    network = NetworkSettings(more_sources="https://modelscope.cn", speed_limit=2.5)
    picture = replace(pictures.of(), network=network, token=AccessToken("huggingface.co", False))
    page("models", picture)(studio)
    models = studio.window.findChild(ModelsPage)
    assert isinstance(models, ModelsPage)
    models.source.open()


def stepped(studio: Studio) -> None:
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


def settings(studio: Studio) -> None:
    page = SettingsPage()
    page.show_settings(Settings())
    page.remembered.show_bytes(1_840_000_000)
    studio.window.add_page("settings", page)
    studio.window.show_page("settings")


def engine_settings(studio: Studio) -> None:
    """What stands far below."""
    settings(studio)
    page = studio.window.findChild(SettingsPage)
    assert isinstance(page, SettingsPage)
    settle(studio.app, studio.window)
    page.ensureWidgetVisible(page.remembered, 0, studio.window.height() // 2)


def about(studio: Studio) -> None:
    page = AboutPage(Paths.under(Path("/home/lin/DeskSeek")))
    page.show_engine("llama-cpp-python 0.3.36\nCUDA0: NVIDIA GeForce RTX 4060\nCPU: AMD Ryzen 7 7700")
    studio.window.add_page("about", page)
    studio.window.show_page("about")


def pages() -> Iterator[tuple[str, Callable[[Studio], None]]]:
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


SCENES: dict[str, Callable[[Studio], None]] = {
    "begin": begin,
    "no_model": no_model,
    "answered": answered,
    "thinking": thinking,
    "hurried": doing(Live("thinking", thinking_since=time.monotonic() - 31, hurried=True)),
    "queued": doing(Live("queued", before=3)),
    "paused": doing(Live("paused")),
    "stopped": cut_off(None),
    "interrupted": cut_off(INTERRUPTED),
    "loading": loading,
    "failed": failed,
    "notices": notices,
    **dict(pages()),
    **document_scenes.SCENES,
    **api_scenes.SCENES,
    **branch_scenes.SCENES,
    **export_scenes.SCENES,
    **panel_scenes.SCENES,
    **chat_search_scenes.SCENES,
    **composer_scenes.SCENES,
    **formula_scenes.SCENES,
    **option_scenes.SCENES,
}


def settle(app: Application, widget: QWidget) -> None:
    """Let layouts and deletions happen; no event loop runs here."""
    for _ in range(4):
        app.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        app.sendPostedEvents()
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def shoot(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    app = Application(["deskseek"])
    folder.mkdir(parents=True, exist_ok=True)
    languages: tuple[Language, ...] = ("en", "zh")
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for name in names or SCENES:
        for language in languages:
            for scheme in schemes:
                app.follow(scheme, language)
                for width, height in SIZES:
                    studio = Studio(app, language)
                    studio.window.resize(width, height)
                    studio.window.show()
                    settle(app, studio.window)
                    SCENES[name](studio)
                    if name.startswith(("search", "viewer")):
                        QTest.qWait(400)  # pages of a PDF are drawn on a thread of Qt's
                    settle(app, studio.window)
                    path = folder / f"{name}-{language}-{scheme}-{width}x{height}.png"
                    studio.window.grab().save(str(path))
                    studio.window.close()
                    studio.window.deleteLater()
                    yield path


if __name__ == "__main__":
    for shot in shoot(Path(sys.argv[1]), sys.argv[2:]):
        print(shot)
