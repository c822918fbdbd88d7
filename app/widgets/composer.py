"""Where the question is written: a box that grows with it, the model, and one button that sends or stops.

Enter sends (or makes a new line, by the setting; Shift+Enter always does, Ctrl+Enter always sends), but never
while an input method is composing: then Enter belongs to it. Above the box stands what is to be known before the
question is sent, and what `/` opens: the saved prompts.
"""

from collections.abc import Sequence

from PySide6.QtCore import QLocale, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from app import icons, parts
from app.language import Retranslated, sentences
from app.theme import SPACE, px
from app.widgets.composer_box import LONGEST, Box
from app.widgets.composer_line import ComposerLine
from app.widgets.fit_words import left_out, sources_left_out
from app.widgets.model_chip import ModelChip
from app.widgets.prompt_editor import PromptEditor
from app.widgets.saved_prompts import Prompt, PromptList, Starter
from app.widgets.scope_chip import ScopeChip
from backends.chat.fit import Fit
from backends.chat.organised import SavedPrompt

CLIPBOARD = "{clipboard}"
_SLASHES = ("/", "、")  # the same key, with Chinese punctuation
_LONGEST_FILTER = 60


class Composer(Retranslated, QFrame):
    text_submitted = Signal(str)
    stop_requested = Signal()
    text_changed = Signal(str)
    document_requested = Signal(str)  # a pasted text that is to be a document of the conversation
    unusable_pasted = Signal()
    prompt_saved = Signal(str, str, object)  # name, text, id or None
    prompt_deleted = Signal(object)  # SavedPrompt

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = Box()
        self.chip = ModelChip()
        self.scope = ScopeChip()
        self.prompts = PromptList()
        self.editor = PromptEditor()
        self.fit_line = ComposerLine()
        self.source_line = ComposerLine()
        self.paste_line = ComposerLine(self._forget_pasted)
        self._send = parts.icon_button("arrow-up", tone="on_accent", size=20, kind="send")
        self._more = parts.icon_button("bookmark", size=16)
        self._busy = self._ready = False
        self._fit: Fit | None = None
        self._pasted: tuple[str, QTextCursor | None] | None = None
        self._saved: tuple[SavedPrompt, ...] = ()
        self._slash = ""  # that opened the list
        self._before = ""
        self._hint = parts.label(role="caption", tone="muted")
        self._frame = QFrame()
        self._frame.setProperty("kind", "composer")
        self._frame.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._build()
        self._connect()
        self.retranslate()

    def _build(self) -> None:
        bottom = parts.row(self.chip, self.scope, None, self._hint, self._more, self._send, space=SPACE.s)
        box = parts.row(self.box, margin=(SPACE.s, 0, SPACE.s, 0))
        self._frame.setLayout(parts.column(box, bottom, space=SPACE.s, margin=(SPACE.s, SPACE.m, SPACE.s, SPACE.s)))
        above = (self.editor, self.prompts, self.paste_line, self.source_line, self.fit_line)
        self.setLayout(parts.column(*above, self._frame, space=SPACE.xs))
        self.setFocusProxy(self.box)
        self._menu = parts.menu(self)
        self._menu.aboutToShow.connect(self._on_menu_opening)
        self._more.setMenu(self._menu)
        self._more.setPopupMode(self._more.ToolButtonPopupMode.InstantPopup)

    def _connect(self) -> None:
        self.box.submitted.connect(self.submit)
        self.box.textChanged.connect(self._on_text_changed)
        self.box.composing_changed.connect(self._refresh)
        self.box.focus_changed.connect(self._on_focus_changed)
        self.box.takes_key = self._take_key
        self.box.long_pasted.connect(self._on_long_pasted)
        self.box.unusable_pasted.connect(self.unusable_pasted)
        self._send.clicked.connect(self._on_pressed)
        self.prompts.chosen.connect(self.use)
        self.prompts.editor_requested.connect(self._on_editor_requested)
        self.editor.used.connect(self.use)
        self.editor.save_requested.connect(self.prompt_saved)
        self.editor.delete_requested.connect(self.prompt_deleted)
        self.editor.closed.connect(self.box.setFocus)

    @property
    def busy(self) -> bool:
        return self._busy

    def set_ready(self, ready: bool) -> None:
        """Whether a question can be taken now. Typing is always possible."""
        self._ready = ready
        self._refresh()

    def set_busy(self, busy: bool) -> None:
        """An answer is on its way: the button stops it."""
        self._busy = busy
        self._refresh()

    def set_enter_sends(self, enter_sends: bool) -> None:
        self.box.enter_sends = enter_sends
        self.retranslate()

    def text(self) -> str:
        return self.box.toPlainText()

    @Slot(str)
    def set_text(self, text: str) -> None:
        """Another text, with which undoing begins anew."""
        self._forget_pasted()
        self._slash = ""
        self._before = text  # nobody has typed it: no slash in it opens anything
        self.box.setPlainText(text)
        self.box.moveCursor(self.box.textCursor().MoveOperation.End)

    @Slot()
    def clear(self) -> None:
        self.set_text("")

    @Slot(object)
    def show_fit(self, fit: Fit | None) -> None:
        """What is known of the text that was told last; None: nothing yet, or nothing is written."""
        self._fit = fit
        self.retranslate()

    @Slot(tuple)
    def show_prompts(self, prompts: Sequence[SavedPrompt]) -> None:
        self._saved = tuple(prompts)
        self._show_prompts()

    @Slot()
    def open_prompts(self) -> None:
        """Where saved prompts are changed."""
        self.prompts.close_list()
        self.editor.open()

    @Slot(object)
    def use(self, prompt: Prompt) -> None:
        """Write it where `/` stands, or where the cursor is."""
        text = prompt.text
        if CLIPBOARD in text:
            text = text.replace(CLIPBOARD, QGuiApplication.clipboard().text()[:LONGEST])
        slash, self._slash = self._slash, ""
        self.prompts.close_list()
        self.editor.close_editor()
        if slash:
            self.box.replace_all(text)
        else:
            self.box.textCursor().insertText(text)
            self.box.ensureCursorVisible()
        self.box.setFocus()

    def retranslate(self) -> None:
        self.box.setPlaceholderText(self.tr("Ask anything"))
        self.box.setAccessibleName(self.tr("Your question"))
        parts.name_button(self._more, self.tr("Saved prompts"))
        self._more.setToolTip(self.tr("Saved prompts: / in an empty box opens them"))
        for line in (self.fit_line, self.source_line, self.paste_line):
            line.name_close(self.tr("Leave it as it is"))
        self._show_prompts()
        self._say_pasted()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.setVisible(self.width() >= px(520))
        self._more.setVisible(self.width() >= px(460))  # else by / or from the menu of the window

    @Slot()
    def submit(self) -> None:
        text = self.text().strip()
        if text and self._can_send and not self._busy and not self.box.composing:
            self.text_submitted.emit(text)

    def press(self) -> None:
        """The one button: send, or stop."""
        self._send.click()

    # ---- inside

    @property
    def _can_send(self) -> bool:
        return self._ready and (self._fit is None or self._fit.problem is None)

    @Slot()
    def _on_pressed(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self.box.settle()
            self.submit()

    @Slot()
    def _on_text_changed(self) -> None:
        text, before = self.text(), self._before
        self._before = text
        if self._fit is not None and self._fit.problem is not None and len(text) < len(before):
            self._fit = None  # perhaps it fits now: it is being counted
        if self._pasted is not None and self._pasted[1] is not None and not self._pasted[1].hasSelection():
            self._forget_pasted()
        self._look_for_slash(text, before)
        self._refresh()
        self.text_changed.emit(text)

    def _look_for_slash(self, text: str, before: str) -> None:
        """The list stays as long as what follows the slash is one short line, and until it is closed."""
        if text in _SLASHES and not before:
            self._slash = text
        elif not (self._slash and text.startswith(self._slash) and len(text) < _LONGEST_FILTER and "\n" not in text):
            self._slash = ""
        if self._slash:
            self.prompts.open(text.removeprefix(self._slash))
        else:
            self.prompts.close_list()

    def _take_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self.prompts.isVisible():
            self._slash = ""
            self.prompts.close_list()
            return True
        return self.prompts.take_key(event)

    @Slot()
    def _on_editor_requested(self) -> None:
        if self._slash:
            self._slash = ""
            self.box.replace_all("")
        self.open_prompts()

    @Slot()
    def _on_menu_opening(self) -> None:
        self._menu.clear()
        for prompt in self._offered():
            entry = self._menu.addAction(prompt.name.replace("&", "&&"))
            entry.triggered.connect(lambda _=False, prompt=prompt: self.use(prompt))
        self._menu.addSeparator()
        save = self._menu.addAction(self.tr("Save as a prompt…"), lambda: self.editor.write(self.text().strip()))
        save.setEnabled(bool(self.text().strip()))
        self._menu.addAction(self.tr("Change saved prompts…"), self.open_prompts)

    def _offered(self) -> tuple[Prompt, ...]:
        return self._saved or (
            Starter(
                self.tr("Explain simply"),
                self.tr("Explain this so that somebody without prior knowledge understands it, with an example:")
                + "\n\n",
            ),
            Starter(
                self.tr("Summarise"),
                self.tr("Summarise the following text in five short points:") + f"\n\n{CLIPBOARD}",
            ),
            Starter(
                self.tr("Improve my text"),
                self.tr("Correct and improve this text. Keep its tone, and list what you changed:") + "\n\n",
            ),
        )

    def _show_prompts(self) -> None:
        self.prompts.show_prompts(self._offered())
        self.editor.show_prompts(self._offered())

    # ---- a long text was pasted

    @Slot(str, object)
    def _on_long_pasted(self, text: str, place: QTextCursor | None) -> None:
        self._pasted = (text, place)
        self._say_pasted()

    @Slot()
    def _forget_pasted(self) -> None:
        self._pasted = None
        self._say_pasted()

    def _say_pasted(self) -> None:
        if self._pasted is None:
            self.paste_line.say("")
            return
        text, place = self._pasted
        size = QLocale().toString(len(text))
        if place is None:
            words = self.tr("The pasted text is too long to be written here ({0} characters).").format(size)
            button = self.tr("Add as a document")
        else:
            words = self.tr("A long text was pasted ({0} characters).").format(size)
            button = self.tr("Add as a document instead")
        self.paste_line.say(words, "info" if place else "warning", (button, self._on_document_wanted))

    def _on_document_wanted(self) -> None:
        if self._pasted is not None:
            text, place = self._pasted
            self._forget_pasted()
            if place is not None:
                place.removeSelectedText()
            self.document_requested.emit(text)
            self.box.setFocus()

    # ---- how it looks

    @Slot()
    def _refresh(self) -> None:
        self._send.setIcon(icons.icon("stop" if self._busy else "arrow-up", "on_accent"))
        self._send.setIconSize(QSize(px(18), px(18)))
        written = self.box.composing or bool(self.text().strip())
        self._send.setEnabled(self._busy or (written and self._can_send))
        parts.name_button(self._send, self.tr("Stop the answer") if self._busy else self.tr("Send"))
        self._hint.setText(self._count() if written else self._keys())
        self._say_fit()

    def _keys(self) -> str:
        return self.tr("Shift+Enter for a new line") if self.box.enter_sends else self.tr("Ctrl+Enter to send")

    def _count(self) -> str:
        if self._fit is None or not self._fit.tokens:
            return ""
        number = QLocale().toString(self._fit.tokens)
        if not self._fit.exact:
            return self.tr("about {0} tokens").format(number)
        return self.tr("1 token") if self._fit.tokens == 1 else self.tr("{0} tokens").format(number)

    def _say_fit(self) -> None:
        fit = self._fit if self.text().strip() else None
        if fit is not None and fit.problem is not None:
            words = sentences((fit.problem.message, fit.problem.hint))
            self.fit_line.say(words, "danger", (self.tr("Add as a document instead"), self._on_whole_wanted))
        else:
            self.fit_line.say(left_out(fit) if fit is not None else "")
        self.source_line.say(sources_left_out(fit) if fit is not None else "")

    def _on_whole_wanted(self) -> None:
        """The question itself is too long: all of it becomes a document."""
        text = self.text().strip()
        self.box.replace_all("")
        self._forget_pasted()
        self.document_requested.emit(text)
        self.box.setFocus()

    @Slot(bool)
    def _on_focus_changed(self, focused: bool) -> None:
        parts.set_look(self._frame, focused="true" if focused else "false")
