"""Everything that has a shortcut, in one menu: it opens from the rail, and is the menu bar on macOS."""

import sys

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app import icons, parts

_Keys = QKeySequence | QKeySequence.StandardKey | str


class Actions(QObject):
    """The actions; whoever wires the window connects their `triggered`."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.menu = parts.menu(window)
        self._window = window
        standard = QKeySequence.StandardKey
        self.new_chat = self._action("square-pen", standard.New)
        self.quick_question = self._action("message-circle", "Ctrl+Shift+Space")
        self.new_folder = self._action("folder-plus", "Ctrl+Shift+N")
        self.open_file = self._action("folder-open", standard.Open)
        self.add_documents = self._action("plus", "Ctrl+Shift+O")
        self.export_chats = self._action("download", "")
        self.import_chats = self._action("folder-input", "")
        self.menu.addSeparator()
        self.chat = self._action("message-circle", "Ctrl+1")
        self.documents = self._action("library", "Ctrl+2")
        self.search = self._action("search", "Ctrl+3")
        self.models = self._action("package", "Ctrl+4")
        self.api = self._action("plug", "Ctrl+5")
        self.monitor = self._action("gauge", "Ctrl+6")
        self.doctor = self._action("shield-check", "")
        self.connections = self._action("globe", "")
        self.settings = self._action("settings", "Ctrl+,")
        self.about = self._action("info", "")
        self.menu.addSeparator()
        self.panel = self._action("panel-left", "Ctrl+B")
        self.search_chats = self._action("search", "Ctrl+Shift+F")
        self.chat_options = self._action("sliders-horizontal", "Ctrl+Shift+P")
        self.compose = self._action("pencil", "Ctrl+L")
        self.prompts = self._action("bookmark", "Ctrl+/")
        self.copy_answer = self._action("copy", "Ctrl+Shift+C")
        self.regenerate = self._action("rotate-cw", "Ctrl+R")
        self.go_on = self._action("play", "Ctrl+Shift+R")
        self.answer_now = self._action("lightbulb", "Ctrl+Shift+A")
        self.stop = self._action("stop", "Ctrl+.")
        self.menu.addSeparator()
        self.quit = self._action("", "Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self.settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        if sys.platform == "darwin":
            window.menuBar().addMenu(self.menu)
        self.retranslate()

    def _action(self, icon: str, keys: _Keys) -> QAction:
        action = QAction(self._window)
        if icon:
            action.setIcon(icons.icon(icon, "muted"))
        if keys:
            action.setShortcut(QKeySequence(keys))
        self._window.addAction(action)
        self.menu.addAction(action)
        return action

    def retranslate(self) -> None:
        self.menu.setTitle(self.tr("Actions"))
        self.new_chat.setText(self.tr("New chat"))
        self.quick_question.setText(self.tr("Quick question"))
        self.new_folder.setText(self.tr("New folder for chats"))
        self.open_file.setText(self.tr("Open a model file…"))
        self.add_documents.setText(self.tr("Add documents…"))
        self.export_chats.setText(self.tr("Export all chats…"))
        self.import_chats.setText(self.tr("Import chats…"))
        self.chat.setText(self.tr("Chat"))
        self.documents.setText(self.tr("Documents"))
        self.search.setText(self.tr("Search in the documents"))
        self.models.setText(self.tr("Models"))
        self.api.setText(self.tr("API for programs"))
        self.monitor.setText(self.tr("Monitor"))
        self.doctor.setText(self.tr("Check this machine"))
        self.connections.setText(self.tr("Connections"))
        self.settings.setText(self.tr("Settings"))
        self.about.setText(self.tr("About DeskSeek"))
        self.panel.setText(self.tr("Show or hide the conversations"))
        self.search_chats.setText(self.tr("Search the chats"))
        self.chat_options.setText(self.tr("Chat settings"))
        self.compose.setText(self.tr("Write a question"))
        self.prompts.setText(self.tr("Saved prompts…"))
        self.copy_answer.setText(self.tr("Copy the last answer"))
        self.regenerate.setText(self.tr("Answer again"))
        self.go_on.setText(self.tr("Go on with a cut-off answer"))
        self.answer_now.setText(self.tr("End the thinking, answer now"))
        self.stop.setText(self.tr("Stop the answer"))
        self.quit.setText(self.tr("Quit"))
