"""The settings of the chat that is shown: a sheet at the right, where what is changed holds at once."""

from PySide6.QtCore import QLocale, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLayout, QWidget

from app import parts
from app.language import Retranslated
from app.option_picture import OptionPicture
from app.theme import SPACE, px
from app.widgets.option_rows import ModelRow, NumberRow, OptionRow, ParagraphRow
from app.widgets.preset_list import PresetList
from backends.chat.options import OPTIONS, Option, Options
from backends.core.phrase import Phrase

WIDTH = 344
_SAMPLING_FROM = "temperature"
_ORDER = (
    "model",
    "instructions",
    "thinking_budget",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "seed",
)


class OptionSheet(Retranslated, QFrame):
    """`changed`: of this conversation (None: the one that has not begun), an option by its name, and its value."""

    changed = Signal(object, str, object)
    reset_requested = Signal(object)  # all of them, of this conversation
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "beside")
        self.setFixedWidth(px(WIDTH))
        self._picture = OptionPicture()
        self.presets = PresetList()
        self._title = parts.label(role="heading")
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self._close = parts.icon_button("x")
        self._close.clicked.connect(self.closed)
        self._sampling = parts.label(role="heading")
        self._reset = parts.button(kind="secondary", icon="undo-2")
        self._reset.clicked.connect(lambda: self.reset_requested.emit(self._picture.conversation))
        self.rows: dict[str, OptionRow] = {}
        by_name = {one.name: one for one in OPTIONS}
        for name in _ORDER:
            row = self.rows[name] = _row(by_name[name])
            row.changed.connect(self._on_changed)
        self.setLayout(self._arranged())
        self.retranslate()

    def _arranged(self) -> QLayout:
        head = QWidget()
        head.setFixedHeight(px(52))
        head.setLayout(parts.row(self._title, None, self._close, margin=(SPACE.l, 0, SPACE.s, 0)))
        self.page = parts.Page(margin=(SPACE.l, 0, SPACE.m, SPACE.l))
        inner = self.page.body
        inner.setSpacing(SPACE.l)
        inner.addWidget(self._lead)
        inner.addWidget(self.presets)
        inner.addWidget(parts.line())
        for name, row in self.rows.items():
            if name == _SAMPLING_FROM:
                inner.addWidget(parts.line())
                inner.addWidget(self._sampling)
            inner.addWidget(row)
        inner.addWidget(self._reset)
        return parts.column(head, self.page, space=0)

    def retranslate(self) -> None:
        self._title.setText(self.tr("Chat settings"))
        parts.name_button(self._close, self.tr("Close the chat settings"))
        self._sampling.setText(self.tr("How words are chosen"))
        self._reset.setText(self.tr("All as usual again"))
        self.setAccessibleName(self._title.text())
        self._draw()

    def show_picture(self, picture: OptionPicture) -> None:
        """What was written for another conversation, and is waited with, goes to that one."""
        if picture.conversation != self._picture.conversation:
            self.save()
        self._picture = picture
        self._draw()

    def show_error(self, name: str, why: Phrase) -> None:
        """This was refused."""
        self.rows[name].show_error(why)

    def save(self) -> None:
        """What is still waited with."""
        for row in self.rows.values():
            row.save_now()

    def _draw(self) -> None:
        picture = self._picture
        begun = picture.conversation is not None
        for_this, for_next = self.tr("They hold for this chat, from the next answer on."), self.tr("For the next chat.")
        self._lead.setText(for_this if begun else for_next)
        self.presets.show_picture(picture)
        self._reset.setEnabled(picture.options != Options())
        model, usual = self.rows["model"], picture.usual
        if isinstance(model, ModelRow):
            model.offer(picture.models)
            of_settings = usual.model.name if usual.model is not None else ""
            model.show_usual(self.tr("In the settings: %1").replace("%1", of_settings) if of_settings else "")
        instructions = self.rows["instructions"]
        if isinstance(instructions, ParagraphRow):
            instructions.show_standing(usual.options.instructions or "")
        for name, row in self.rows.items():
            if isinstance(row, NumberRow):
                row.show_usual(*self._usual(name))
            row.show_value(getattr(picture.options, name))

    def _usual(self, name: str) -> tuple[str, str]:
        """In a sentence, and as it would stand in the field."""
        usual = self._picture.usual
        value = getattr(usual.options, name)
        number = "" if value is None else QLocale().toString(value) if isinstance(value, int) else f"{value:g}"
        if name == "seed":
            return self.tr("Usual: another one each time."), self.tr("any")
        if name == "max_tokens":
            return self.tr("Usual: as long as there is room."), self.tr("no limit")
        if name == "thinking_budget":
            shown = number if value else self.tr("no limit")
            return self.tr("In the settings: %1").replace("%1", shown), shown
        publisher = usual.published and name in ("temperature", "top_p")
        words = self.tr("Publisher's: %1") if publisher else self.tr("Usual: %1")
        return words.replace("%1", number), number

    @Slot(str, object)
    def _on_changed(self, name: str, value: object) -> None:
        self.changed.emit(self._picture.conversation, name, value)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What is typed here is not meant for the composer."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()


def _row(option: Option) -> OptionRow:
    if option.kind == "model":
        return ModelRow(option)
    return ParagraphRow(option) if option.kind == "paragraph" else NumberRow(option)
