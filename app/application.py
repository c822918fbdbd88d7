"""The QApplication: names, icon, style, fonts, translators. Nothing of the product's state."""

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from app import icons
from app.language import Languages, Wanted
from app.theme import Scheme, Theme
from backends import __version__


class Application(QApplication):
    """`files_opened` comes when the system hands files over (macOS: a double click, the dock)."""

    files_opened = Signal(list)

    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__(list(argv))
        if sys.platform == "win32":  # else the task bar shows Python's icon
            ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID("DeskSeek")
        self.setApplicationName("DeskSeek")
        self.setApplicationDisplayName("DeskSeek")
        self.setApplicationVersion(__version__)
        self.setDesktopFileName("deskseek")
        self.setWindowIcon(icons.app_icon())
        self.leaving = False  # the system, or somebody, wants all of it to end
        self.languages = Languages(self)
        self.theme = Theme(self)

    def follow(self, scheme: Scheme, language: Wanted) -> None:
        """Look and speak as the settings say. May be called again at any time."""
        self.languages.follow(language)
        self.theme.follow(scheme)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Quit:
            self.leaving = True
        if isinstance(event, QFileOpenEvent) and event.file():
            self.files_opened.emit([Path(event.file())])
            return True
        return super().event(event)
