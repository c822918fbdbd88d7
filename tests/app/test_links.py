"""SEC-42: a link opens after it was shown for what it is, and most kinds of address never do."""

from typing import Any

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from app import links
from app.controllers.links import LinksController
from app.notices import NoticeBoard

REFUSED = (
    "file:///etc/passwd",
    "FILE:///C:/Windows/System32/calc.exe",
    "/etc/passwd",
    "\\\\host\\share\\x.exe",
    "//host/share",
    "smb://host/share",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "ms-msdt:/id PCWDiagnostic",
    "ms-officecmd:x",
    "steam://run/1",
    "ftp://host/x",
    "about:blank",
    "qrc:/x",
    "http:///path",
    "https://user:secret@example.org/",
    "https://exam ple.org/",
    "https://example.org/\u202egnp.exe\n",
    "mailto:",
    "mailto:nobody",
    "",
    "deskseek://x",
)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_never_opened(address: str) -> None:
    assert links.inspect(address) is None


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("https://example.org/a?b=c#d", "example.org"),
        ("HTTP://Example.ORG", "example.org"),
        ("https://аррӏе.com/", "xn--80ak6aa92e.com"),  # Cyrillic letters that look like apple
        ("https://bank.example.org.evil.example/login", "bank.example.org.evil.example"),
        ("https://例子.测试/路", "xn--fsqu00a.xn--0zwm56d"),
        ("mailto:someone@example.org", "someone@example.org"),
    ],
)
def test_where_a_link_really_leads(address: str, where: str) -> None:
    link = links.inspect(address)
    assert link is not None
    assert link.where == where
    assert link.shown.isascii()


def test_long_addresses_are_shortened() -> None:
    link = links.inspect("https://example.org/" + "x" * 5000)
    assert link is not None
    assert len(link.shown) == links.LONGEST


class Browser(QObject):
    """Stands where the system's browser does: Qt hands it the address."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


def test_a_link_opens_on_the_second_click(qtbot: QtBot) -> None:
    browser = Browser()
    slot: Any = "open"  # what PySide takes; its types say bytes
    QDesktopServices.setUrlHandler("https", browser, slot)
    try:
        board = NoticeBoard()
        qtbot.addWidget(board)
        controller = LinksController(board)
        controller.ask("https://xn--80ak6aa92e.com/sign-in")
        (banner,) = board.banners
        assert "xn--80ak6aa92e.com" in banner.accessibleName()
        assert not browser.opened
        banner.press(1)
        assert QGuiApplication.clipboard().text() == "https://xn--80ak6aa92e.com/sign-in"
        controller.ask("https://example.org/x")
        (banner,) = board.banners
        banner.press(0)
        assert browser.opened == ["https://example.org/x"]
        assert not board.banners
        controller.ask("file:///etc/passwd")
        (banner,) = board.banners
        assert banner.notice.tone == "warning"
        assert len(banner.notice.buttons) == 1
        assert browser.opened == ["https://example.org/x"]
    finally:
        QDesktopServices.unsetUrlHandler("https")
