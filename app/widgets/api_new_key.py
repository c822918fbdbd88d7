"""A new key: its name, what it may do, and if wished its limits. In place, no dialog."""

import time

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QLineEdit, QSpinBox, QWidget

from app import api_words, parts
from app.api_picture import AskedKey
from app.language import Retranslated, say
from app.theme import SPACE, px
from backends.core.phrase import NOTHING, Phrase
from backends.governance.access import ROLES, Role

_DAYS = (0, 1, 7, 30, 90, 365)
_MOST = 10**9
_USUAL: Role = "user"


class ApiNewKey(Retranslated, QFrame):
    """Hidden until `ask`; hidden again by `close_form` when the key was made, or by Escape."""

    asked = Signal(object)  # AskedKey
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._refused_phrase = NOTHING
        self._title = parts.label(role="heading")
        self.name = QLineEdit()
        self.name.setMaxLength(100)
        self.role = QComboBox()
        self._role_words = parts.label(role="caption", tone="muted", wrap=True)
        self.models = QLineEdit()
        self.requests = parts.number_box(_limit())
        self.tokens = parts.number_box(_limit())
        self.expiry = QComboBox()
        self._refused = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._cancel = parts.button(kind="quiet")
        self._make = parts.button(kind="primary", icon="key")
        self._labels = [parts.label(wrap=True) for _ in range(6)]
        self._build()
        self.role.activated.connect(self._draw_role)
        self._make.clicked.connect(self._on_make)
        self._cancel.clicked.connect(self.close_form)
        for field in (self.name, self.models):
            field.returnPressed.connect(self._on_make)
        self.hide()
        self.retranslate()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.l)
        grid.setVerticalSpacing(SPACE.m)
        role = QWidget()
        role.setLayout(parts.column(self.role, self._role_words, space=SPACE.xs))
        fields: tuple[QWidget, ...] = (self.name, role, self.models, self.requests, self.tokens, self.expiry)
        for row, (label, field) in enumerate(zip(self._labels, fields, strict=True)):
            label.setMinimumWidth(px(140))
            top = Qt.AlignmentFlag.AlignTop if field is role else Qt.AlignmentFlag.AlignVCenter
            label.setContentsMargins(0, SPACE.s if field is role else 0, 0, 0)
            grid.addWidget(label, row, 0, top)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        foot = parts.row(None, self._cancel, self._make)
        self.setLayout(parts.column(self._title, grid, self._refused, foot, space=SPACE.l, margin=SPACE.l))

    def retranslate(self) -> None:
        self._title.setText(self.tr("New key"))
        words = (
            self.tr("Name"),
            self.tr("May do"),
            self.tr("Models"),
            self.tr("Requests a minute"),
            self.tr("Tokens a minute"),
            self.tr("Valid for"),
        )
        fields = (self.name, self.role, self.models, self.requests, self.tokens, self.expiry)
        for label, field, text in zip(self._labels, fields, words, strict=True):
            label.setText(text)
            field.setAccessibleName(text)
        self.name.setPlaceholderText(self.tr("Who uses it, such as “Editor”"))
        self.models.setPlaceholderText(self.tr("all; or some, such as r1-*, qwen3*"))
        for spin in (self.requests, self.tokens):
            spin.setSpecialValueText(self.tr("no limit"))
        self._fill(self.role, [(api_words.role_name(role), role) for role in self._roles()], _USUAL)
        self._fill(self.expiry, [(self._days(days), days) for days in _DAYS], 0)
        self._cancel.setText(self.tr("Cancel"))
        self._make.setText(self.tr("Make the key"))
        self._draw_role()
        self._draw_refused()

    @staticmethod
    def _roles() -> tuple[Role, ...]:
        return (_USUAL, *(role for role in ROLES if role != _USUAL))

    def _days(self, days: int) -> str:
        if not days:
            return self.tr("Until it is revoked")
        return self.tr("1 day") if days == 1 else self.tr("%1 days").replace("%1", str(days))

    @staticmethod
    def _fill(box: QComboBox, items: list[tuple[str, object]], usual: object) -> None:
        chosen = box.currentData() if box.count() else usual
        with QSignalBlocker(box):
            box.clear()
            for text, data in items:
                box.addItem(text, data)
            box.setCurrentIndex(box.findData(chosen))

    def ask(self) -> None:
        """For another one, from the beginning."""
        if not self.isHidden():
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.name.clear()
        self.models.clear()
        self.requests.setValue(0)
        self.tokens.setValue(0)
        self.role.setCurrentIndex(self.role.findData(_USUAL))
        self.expiry.setCurrentIndex(0)
        self._refused_phrase = NOTHING
        self._draw_role()
        self._draw_refused()
        self.show()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_refused(self, why: Phrase) -> None:
        """Such a key cannot be made; what was entered stays, to be corrected."""
        self._refused_phrase = why
        self._draw_refused()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def close_form(self) -> None:
        self.hide()
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_form()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _draw_role(self) -> None:
        words = api_words.role_words(self.role.currentData())
        self._role_words.setText(words)
        self.role.setAccessibleDescription(words)

    def _draw_refused(self) -> None:
        self._refused.setText(say(self._refused_phrase))
        self._refused.setVisible(bool(self._refused.text()))

    @Slot()
    def _on_make(self) -> None:
        days = self.expiry.currentData()
        self.asked.emit(
            AskedKey(
                self.name.text(),
                self.role.currentData(),
                tuple(one.strip() for one in self.models.text().split(",") if one.strip()),
                self.requests.value(),
                self.tokens.value(),
                time.time() + days * 86_400 if days else None,
            )
        )


def _limit() -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(0, _MOST)
    spin.setGroupSeparatorShown(True)
    spin.setFixedWidth(160)
    return spin
