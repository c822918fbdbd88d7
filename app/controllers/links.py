"""What happens when a link in an answer is clicked: it is shown for what it is, and opened on a second click."""

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app import links
from app.notices import Notice, NoticeBoard, NoticeButton
from backends.core.phrase import Phrase

KEY = "link"


class LinksController(QObject):
    def __init__(self, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board

    @Slot(str)
    def ask(self, address: str) -> None:
        link = links.inspect(address)
        copy = NoticeButton(
            Phrase("Copy the address", "复制地址"), lambda: QGuiApplication.clipboard().setText(address)
        )
        if link is None:
            refused = Phrase("This link is not opened: it leads to no web page.", "未打开此链接：它指向的不是网页。")
            self._board.post(Notice(refused, address[: links.LONGEST], "warning", (copy,), key=KEY))
            return
        url = QUrl(link.url)
        go = NoticeButton(Phrase("Open in the browser", "在浏览器中打开"), lambda: self._open(url))
        question = Phrase(f"Open {link.where}?", f"打开 {link.where}？")
        self._board.post(Notice(question, link.shown, "info", (go, copy), key=KEY))

    @staticmethod
    def _open(url: QUrl) -> None:
        QDesktopServices.openUrl(url)
