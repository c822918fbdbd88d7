"""What is said of a crash: of the last run at the next start, of a bug when it happens. Both lead to the doctor."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app.notices import Notice, NoticeButton
from backends.core.crashes import LastRun
from backends.core.phrase import Phrase

_DURING = {  # what the journal calls native work
    "load": Phrase("while it loaded {}", "加载 {} 时"),
    "generate": Phrase("while {} answered", "{} 回答时"),
}


def last_run_notice(
    last: LastRun, report: Path | None, load_safely: Callable[[], object], examine: Callable[[], object]
) -> Notice:
    """It ended in native code, or was killed. `report`: the file that tells of it, where there is one."""
    message = Phrase("DeskSeek ended unexpectedly last time.", "DeskSeek 上次意外退出。")
    if (during := _DURING.get(last.during)) is not None and last.detail:
        en, zh = (words.replace("{}", last.detail) for words in (during.en, during.zh))
        message = Phrase(f"DeskSeek ended unexpectedly last time, {en}.", f"DeskSeek 上次在{zh}意外退出。")
    hint = Phrase("Nothing that was saved is lost.", "已保存的内容没有丢失。")
    buttons = [_doctor(examine)]
    if last.safe:
        hint = Phrase(
            "To be safe no model was loaded by itself. Nothing that was saved is lost.",
            "为安全起见，这次没有自动加载模型。已保存的内容没有丢失。",
        )
        buttons.insert(0, NoticeButton(Phrase("Load on the processor", "用处理器加载"), load_safely))
    if report is not None:
        buttons.append(_file(Phrase("Show the report", "查看报告"), report))
    return Notice(message, hint, "warning", tuple(buttons), key="crashed")


def bug_notice(report: str, path: Path | None, examine: Callable[[], object] | None) -> Notice:
    """`report`: its text, `path`: where it lies. `examine`: None while there is no page for it yet."""
    copy = Phrase("Copy the report", "复制报告")
    buttons = [NoticeButton(copy, lambda: QGuiApplication.clipboard().setText(report), stays=True)]
    if examine is not None:
        buttons.append(_doctor(examine))
    if path is not None:
        buttons.append(_file(Phrase("Show the file", "查看文件"), path))
    message = Phrase("Something went wrong inside DeskSeek.", "DeskSeek 内部出错。")
    hint = Phrase(
        "It goes on. If something looks wrong now, start it again; the report helps us to mend it.",
        "程序会继续运行。如有异常，请重新启动；报告有助于我们修复问题。",
    )
    return Notice(message, hint, "danger", tuple(buttons), key="crash")


def _doctor(examine: Callable[[], object]) -> NoticeButton:
    return NoticeButton(Phrase("Check this machine", "检查本机"), examine, stays=True)


def _file(words: Phrase, path: Path) -> NoticeButton:
    return NoticeButton(words, lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))), stays=True)
