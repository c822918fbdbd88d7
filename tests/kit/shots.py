"""Pictures of every page: `python -m tests.kit.shots FOLDER [scene …]`.

Each scene in both languages and schemes and three sizes, drawn offscreen. Look at them before you say that
something is done. (All of them in several processes, with a page to look at: `python -m tests.screenshots`.)
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest

from app.application import Application
from app.crash_notices import bug_notice, last_run_notice
from app.lists.conversations import ConversationList
from app.lists.messages import Live, MessageList
from app.model_state import ModelState
from app.notices import Notice, NoticeButton, error_notice
from app.theme import Scheme
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.chat.types import INTERRUPTED, Problem
from backends.core.crashes import LastRun
from backends.core.errors import DownloadError, ResourceError
from backends.core.phrase import Language, Phrase
from backends.models.types import LocalModel
from tests.kit import (
    api_scenes,
    branch_scenes,
    chat_search_scenes,
    composer_scenes,
    connection_scenes,
    doctor_scenes,
    document_scenes,
    export_scenes,
    formula_scenes,
    holding_scenes,
    looks,
    monitor_scenes,
    option_scenes,
    page_scenes,
    panel_scenes,
    quick_scenes,
    scenes,
)

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES = ((1280, 800), (1920, 1080), (640, 400))  # the last one: a screen of 1280x800 at 200 %

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
        self.window.notice_turns.add(self.chat.notices)
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


def many_notices(studio: Studio) -> None:
    """Of the window and of the chat, with a draft as high as it may be."""
    notices(studio)
    full = ResourceError(
        Phrase("The disk is almost full: 312 MB are left.", "磁盘空间即将用尽：剩余 312 MB。"),
        Phrase("Answers are still saved. Make room, or delete models.", "回答仍会保存。请腾出空间或删除模型。"),
        code="disk_full",
    )
    models = NoticeButton(Phrase("Show models", "查看模型"), _nothing)
    studio.window.notices.post(error_notice(full, models, NoticeButton(Phrase("Look again", "重新检查"), _nothing)))
    words = Phrase("The text was added. Answers of this chat are made from it.", "文本已添加，本对话将据此回答。")
    studio.chat.notices.post(Notice(words))
    studio.chat.composer.set_text("\n".join(scenes.ANSWER_EN.split()[:9]))


def crashed(studio: Studio) -> None:
    begin(studio)
    last = LastRun(True, "load", MODEL.name, "", True)
    studio.window.notices.post(last_run_notice(last, Path("last-crash.txt"), _nothing, _nothing))


def bug(studio: Studio) -> None:
    begin(studio)
    studio.window.notices.post(bug_notice("", Path("crash.txt"), _nothing))


def _nothing() -> None:
    pass


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
    "notices_many": many_notices,
    "crashed": crashed,
    "bug": bug,
    **page_scenes.SCENES,
    **document_scenes.SCENES,
    **api_scenes.SCENES,
    **branch_scenes.SCENES,
    **export_scenes.SCENES,
    **panel_scenes.SCENES,
    **chat_search_scenes.SCENES,
    **composer_scenes.SCENES,
    **connection_scenes.SCENES,
    **formula_scenes.SCENES,
    **option_scenes.SCENES,
    **doctor_scenes.SCENES,
    **monitor_scenes.SCENES,
    **holding_scenes.SCENES,
    **quick_scenes.SCENES,
}


def draw(app: Application, name: str, language: Language, size: tuple[int, int], wait_ms: int = 400) -> QPixmap:
    """One scene in the scheme that the app follows. `wait_ms`: for pages of a PDF, drawn on a thread of Qt's; others
    have a part of it, since a long answer is set in the frames after the first. 0: as it is at once."""
    studio = Studio(app, language)
    studio.window.resize(*size)
    studio.window.show()
    looks.settle()
    SCENES[name](studio)
    if wait_ms:
        QTest.qWait(wait_ms if name.startswith(("search", "viewer")) else wait_ms // 4)
    looks.settle()
    picture = studio.window.grab()
    studio.window.close()
    studio.window.deleteLater()
    return picture


def shoot(
    folder: Path,
    names: Sequence[str] = (),
    languages: Sequence[Language] = LANGUAGES,
    schemes: Sequence[Scheme] = SCHEMES,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> Iterator[Path]:
    """Each picture as a file of `folder`: SCENE-LANGUAGE-SCHEME-WIDTHxHEIGHT.png."""
    app = Application(["deskseek"])
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or SCENES:
        for language in languages:
            for scheme in schemes:
                app.follow(scheme, language)
                for size in sizes:
                    path = folder / file_name(name, language, scheme, size)
                    draw(app, name, language, size).save(str(path))
                    yield path


def file_name(name: str, language: Language, scheme: Scheme, size: tuple[int, int]) -> str:
    return f"{name}-{language}-{scheme}-{size[0]}x{size[1]}.png"


if __name__ == "__main__":
    for shot in shoot(Path(sys.argv[1]), sys.argv[2:]):
        print(shot)
