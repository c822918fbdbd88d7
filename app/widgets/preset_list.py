"""The presets in the sheet of a chat's settings: press one to use it here; the "…" beside it does the rest."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QPushButton, QSizePolicy, QWidget

from app import icons, parts
from app.language import Retranslated, say
from app.option_picture import OptionPicture
from app.theme import SPACE, px
from backends.chat.presets import LONGEST_NAME, SUFFIX, file_stem


class PresetList(Retranslated, QWidget):
    applied = Signal(str)
    saved = Signal(str)  # a name for what is set now
    renamed = Signal(str, str)
    deleted = Signal(str)
    for_new_chosen = Signal(str)  # "": none
    exported = Signal(str, str)  # name, path
    imported = Signal(str)  # path

    def __init__(self) -> None:
        super().__init__()
        self._picture = OptionPicture()
        self._renaming = ""
        self._title = parts.label(role="strong")
        self._add = parts.icon_button("plus", size=16)
        self._add.clicked.connect(self.ask_name)
        self._bring = parts.icon_button("folder-open", size=16)
        self._bring.clicked.connect(self._on_bring)
        self._name = _Name()
        self._name.setMaxLength(LONGEST_NAME)
        self._name.returnPressed.connect(self._on_named)
        self._name.given_up.connect(self._on_given_up)
        self._empty = parts.label(role="caption", tone="muted", wrap=True)
        self._broken = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._rows = parts.column(space=2)
        head = parts.row(self._title, None, self._add, self._bring, space=SPACE.xs)
        self.setLayout(parts.column(head, self._name, self._rows, self._empty, self._broken, space=SPACE.xs))
        self._name.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Presets"))
        parts.name_button(self._add, self.tr("Keep these settings as a preset"))
        parts.name_button(self._bring, self.tr("Add a preset from a file…"))
        self._name.setPlaceholderText(self.tr("Name of the preset, then Enter"))
        self._name.setAccessibleName(self.tr("Name of the preset"))
        self._empty.setText(self.tr("None yet. Keep settings that you need again as a preset."))
        self._draw()

    def show_picture(self, picture: OptionPicture) -> None:
        before, self._picture = self._picture, picture
        shown = ("presets", "broken", "preset", "for_new")
        if any(getattr(before, one) != getattr(picture, one) for one in shown):
            self._draw()

    @Slot()
    def ask_name(self) -> None:
        """For what is set now."""
        self._ask("")

    def _ask(self, renaming: str) -> None:
        self._renaming = renaming
        self._name.setText(renaming)
        self._name.show()
        self._name.selectAll()
        self._name.setFocus()

    def _draw(self) -> None:
        picture, focused = self._picture, self.focusWidget()
        at = focused.name if isinstance(focused, _Use) and focused.hasFocus() else None
        parts.clear(self._rows)
        self._empty.setVisible(not picture.presets)
        self._broken.setText("\n".join(say(one) for one in picture.broken))
        self._broken.setVisible(bool(picture.broken))
        for name in picture.presets:
            chosen = name == picture.preset
            button = _Use(name, chosen)
            use = self.tr("In use here: %1") if chosen else self.tr("Use in this chat: %1")
            button.setToolTip(parts.tip(use.replace("%1", name)))
            button.setAccessibleName(use.replace("%1", name))
            button.clicked.connect(partial(self._on_applied, name))
            more = parts.icon_button("ellipsis", self.tr("More about %1").replace("%1", name), size=16)
            more.clicked.connect(partial(self._open_menu, name, more))
            mark = parts.label(self.tr("new chats"), role="pill", tone="accent")
            mark.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row = parts.row(button, mark, more, space=SPACE.xs)
            row.setStretch(0, 1)
            self._rows.addLayout(row)
            mark.setVisible(name == picture.for_new)
            if name == at:
                button.setFocus()

    def menu_of(self, name: str) -> QMenu:
        menu = parts.menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for_new = menu.addAction(self.tr("Use for new chats"))
        for_new.setCheckable(True)
        for_new.setChecked(name == self._picture.for_new)
        for_new.triggered.connect(lambda on: self.for_new_chosen.emit(name if on else ""))
        menu.addSeparator()
        menu.addAction(icons.icon("pencil", "muted"), self.tr("Rename"), lambda: self._ask(name))
        menu.addAction(icons.icon("download", "muted"), self.tr("Save as a file…"), lambda: self._on_export(name))
        menu.addAction(icons.icon("trash-2", "muted"), self.tr("Delete"), lambda: self.deleted.emit(name))
        return menu

    def _open_menu(self, name: str, under: QWidget) -> None:
        self.menu_of(name).popup(under.mapToGlobal(under.rect().bottomLeft()))

    def _on_applied(self, name: str) -> None:
        self.applied.emit(name)

    @Slot()
    def _on_named(self) -> None:
        name = self._name.text().strip()
        self._name.hide()
        if name and self._renaming:
            if name != self._renaming:
                self.renamed.emit(self._renaming, name)
        elif name:
            self.saved.emit(name)
        self._add.setFocus()

    @Slot()
    def _on_given_up(self) -> None:
        self._name.hide()
        self._add.setFocus()

    @Slot()
    def _on_bring(self) -> None:
        dialog = self._dialog(self.tr("Add a preset from a file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.imported)
        dialog.open()

    def _on_export(self, name: str) -> None:
        dialog = self._dialog(self.tr("Save the preset as a file"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(file_stem(name) + SUFFIX)
        dialog.fileSelected.connect(lambda path: self.exported.emit(name, str(Path(path))))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self.window(), title, folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters([self.tr("Presets (*.json)"), self.tr("All files (*)")])
        return dialog


class _Use(QPushButton):
    """Its name, cut with an ellipsis where it is long."""

    def __init__(self, name: str, chosen: bool) -> None:
        super().__init__()
        self.name = name
        self.setProperty("kind", "preset")
        self.setProperty("chosen", "true" if chosen else "false")
        self.setIcon(icons.icon("check" if chosen else "dot", "accent" if chosen else "faint"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = event.size().width() - self.iconSize().width() - px(32)
        text = self.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideRight, room)
        self.setText(text.replace("&", "&&"))


class _Name(QLineEdit):
    given_up = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
        else:
            super().keyPressEvent(event)
