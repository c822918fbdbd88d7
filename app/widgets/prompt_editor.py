"""Where saved prompts are used, changed, made and deleted: in place, above the composer."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QScrollArea, QSizePolicy, QStackedLayout, QWidget

from app import parts
from app.language import Retranslated
from app.theme import SPACE, px
from app.widgets.elided import ElidedLabel
from app.widgets.saved_prompts import Prompt, Starter, excerpt
from backends.chat.organised import SavedPrompt

LONGEST_NAME = 100
_TALLEST = 320
_LOWEST = 150  # of the list, which scrolls
_HEAD = 84  # above the list, margins and what says that it is suggested
_NAME_LENGTH = 40  # of a name that is made of the text's beginning


class _Name(QLineEdit):
    """Enter belongs to an input method while it composes."""

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST_NAME)
        self._composing = False

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not (self._composing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            super().keyPressEvent(event)


class _Form(Retranslated, QWidget):
    saved = Signal(str, str, object)  # name, text, id or None
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._id: int | None = None
        self.name = _Name()
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "input")
        self.text.setTabChangesFocus(True)
        self.text.setMinimumHeight(px(48))
        self._title = parts.label(role="strong")
        self._hint = parts.label(role="caption", tone="muted", wrap=True)
        self._save = parts.button(kind="primary")
        self._cancel = parts.button(kind="secondary")
        self._save.clicked.connect(self._on_save)
        self.name.returnPressed.connect(self._on_save)
        self._cancel.clicked.connect(self.left)
        self.name.textChanged.connect(self._on_changed)
        self.text.textChanged.connect(self._on_changed)
        foot = parts.row(self._hint, self._cancel, self._save)
        foot.setStretch(0, 1)
        layout = parts.column(self._title, self.name, self.text, foot, space=SPACE.s)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.retranslate()

    def fill(self, name: str, text: str, prompt_id: int | None) -> None:
        self._id = prompt_id
        self.name.setText(name or excerpt(text, _NAME_LENGTH))
        self.text.setPlainText(text)
        self.retranslate()
        (self.name if text else self.text).setFocus()
        self.name.selectAll()

    def retranslate(self) -> None:
        self._title.setText(self.tr("New prompt") if self._id is None else self.tr("Change the prompt"))
        self.name.setPlaceholderText(self.tr("Name"))
        self.name.setAccessibleName(self.tr("Name of the prompt"))
        self.text.setPlaceholderText(self.tr("What you often write"))
        self.text.setAccessibleName(self.tr("Text of the prompt"))
        self._hint.setText(self.tr("{clipboard} stands for what was copied last."))
        self._save.setText(self.tr("Save"))
        self._cancel.setText(self.tr("Cancel"))
        self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        self._save.setEnabled(bool(self.name.text().strip() and self.text.toPlainText().strip()))

    @Slot()
    def _on_save(self) -> None:
        if self._save.isEnabled():
            self.saved.emit(self.name.text(), self.text.toPlainText(), self._id)


class _Row(QFrame):
    """A prompt with what can be done with it."""

    def __init__(self, prompt: Prompt, editor: "PromptEditor") -> None:
        super().__init__()
        suggested = isinstance(prompt, Starter)
        name = ElidedLabel("strong")
        name.setText(prompt.name)
        more = ElidedLabel("caption", "muted", steady=True)
        more.setText(excerpt(prompt.text))
        use = parts.button(self.tr("Use"), kind="quiet")
        use.setAccessibleName(f"{use.text()}: {prompt.name}")
        use.clicked.connect(lambda: editor.used.emit(prompt))
        change = parts.icon_button("pencil", f"{self.tr('Change')}: {prompt.name}", size=16)
        change.clicked.connect(lambda: editor.change(prompt))
        delete = parts.icon_button("trash-2", f"{self.tr('Delete')}: {prompt.name}", size=16)
        delete.clicked.connect(lambda: editor.delete_requested.emit(prompt))
        words = parts.column(name, more, space=0)
        layout = parts.row(words, use, change, delete, space=SPACE.xs)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        delete.setVisible(not suggested)


class PromptEditor(Retranslated, QFrame):
    """Escape goes back, and closes it. What was deleted can be brought back by the notice that says so."""

    used = Signal(object)  # Prompt
    save_requested = Signal(str, str, object)  # name, text, id or None
    delete_requested = Signal(object)  # SavedPrompt
    closed = Signal()
    form_shown = Signal(bool)  # it needs more room than the list, which scrolls

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "card")
        self._prompts: tuple[Prompt, ...] = ()
        self._title = parts.label(role="strong")
        self._suggested = parts.label(role="caption", tone="muted", wrap=True)
        self._new = parts.button(kind="quiet", icon="plus")
        self._new.clicked.connect(lambda: self.write(""))
        self._close = parts.icon_button("x", size=16)
        self._close.clicked.connect(self.close_editor)
        self._rows = parts.column(space=SPACE.s)
        self._inside = inside = QWidget()
        inside.setProperty("surface", "none")
        inside.setLayout(parts.column(self._rows, None, space=0, margin=(0, 0, SPACE.s, 0)))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        inside.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        listed = QWidget()
        column = parts.column(
            parts.row(self._title, None, self._new, self._close), self._suggested, scroll, space=SPACE.s
        )
        column.setStretch(2, 1)
        listed.setLayout(column)
        self._form = _Form()
        self._form.saved.connect(self._on_saved)
        self._form.left.connect(self._on_left)
        whole = QWidget()
        self._stack = QStackedLayout(whole)
        self._stack.addWidget(listed)
        self._stack.addWidget(self._form)
        self.setLayout(parts.column(whole, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m)))
        self.setMaximumHeight(px(_TALLEST))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._only_form = False
        self.hide()
        self.retranslate()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        listed = self._inside.sizeHint().height() + px(_HEAD)
        hint.setHeight(px(_TALLEST) if self._stack.currentIndex() else min(listed, px(_TALLEST)))
        return hint

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        if not self._stack.currentIndex():
            hint.setHeight(px(_LOWEST))
        return hint

    def show_prompts(self, prompts: Sequence[Prompt]) -> None:
        self._prompts = tuple(prompts)
        self._draw()

    def open(self) -> None:
        self._only_form = False
        self._stack.setCurrentIndex(0)
        self.updateGeometry()
        self.show()
        self.form_shown.emit(False)
        self._new.setFocus(Qt.FocusReason.OtherFocusReason)

    def write(self, text: str) -> None:
        """A new one, out of this text."""
        self._only_form = not self.isVisible()
        self._show_form("", text, None)

    def change(self, prompt: Prompt) -> None:
        """A suggestion becomes one of the person's own."""
        self._show_form(prompt.name, prompt.text, prompt.id if isinstance(prompt, SavedPrompt) else None)

    @Slot()
    def close_editor(self) -> None:
        if self.isVisible():
            self.hide()
            self.form_shown.emit(False)
            self.closed.emit()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Saved prompts"))
        self.setAccessibleName(self.tr("Saved prompts"))
        self._new.setText(self.tr("New prompt"))
        parts.name_button(self._close, self.tr("Close the saved prompts"))
        self._suggested.setText(self.tr("Suggestions: they are yours once you change and save one."))
        self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self._stack.currentIndex():
            self._on_left()
        else:
            self.close_editor()

    def _show_form(self, name: str, text: str, prompt_id: int | None) -> None:
        self._stack.setCurrentIndex(1)
        self.updateGeometry()
        self.show()
        self.form_shown.emit(True)
        self._form.fill(name, text, prompt_id)

    def _draw(self) -> None:
        focused = self.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
        parts.clear(self._rows)
        for prompt in self._prompts:
            self._rows.addWidget(_Row(prompt, self))
        self.updateGeometry()
        self._suggested.setVisible(any(isinstance(one, Starter) for one in self._prompts))
        if focused and self.isVisible() and not self._stack.currentIndex():
            self._new.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str, str, object)
    def _on_saved(self, name: str, text: str, prompt_id: int | None) -> None:
        self.save_requested.emit(name, text, prompt_id)
        self._on_left()

    @Slot()
    def _on_left(self) -> None:
        if self._only_form:
            self.close_editor()
        else:
            self.open()
