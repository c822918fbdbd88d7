"""Below an answer out of documents: what it cites, where that stands, whether the source says so, how it was found."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QWidget

from app import document_words, icons, parts
from app.grounds import Ground, Verdict
from app.language import Retranslated
from app.theme import SPACE, px
from app.widgets.elided import ElidedLabel
from app.widgets.name_chip import NameChip
from backends.documents.types import Chip

_FEW = 4  # rows before the others are folded
_CHIP_WIDTHS = 72, 260  # pixels

_PICTURES: dict[Verdict, tuple[str, str]] = {
    "verified": ("circle-check", "success"),
    "unfounded": ("triangle-alert", "danger"),
    "unchecked": ("info", "muted"),
    "": ("dot", "muted"),
}


class SourceRow(Retranslated, QFrame):
    """One source: its number, its document, its place, what the check said. The whole row is the button."""

    opened = Signal(int)  # n

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self._ground = ground
        self.setProperty("kind", "source")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        number = parts.label(str(ground.n), role="strong", tone="accent")
        number.setFixedWidth(px(20))
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._title = ElidedLabel("body")
        self._place = parts.label(role="caption", tone="muted")
        icon, tone = _PICTURES[ground.verdict]
        self._picture = parts.picture(icon, tone, 16)
        self._words = parts.label(role="caption", tone=tone)
        row = parts.row(
            number,
            self._title,
            self._place,
            None,
            self._picture,
            self._words,
            space=SPACE.s,
            margin=(SPACE.xs, SPACE.xs, SPACE.s, SPACE.xs),
        )
        self.setLayout(row)
        self._picture.setVisible(bool(ground.verdict))  # not before it lies in the row: it would be a window
        self.retranslate()

    def retranslate(self) -> None:
        ground = self._ground
        title = ground.title or self.tr("A document that is erased")
        self._title.setText(title)
        place = document_words.place_in(ground.name, ground.page, ground.label)
        self._place.setText(place)
        self._place.setVisible(bool(place))
        words = {
            "": "",
            "verified": self.tr("The source says so"),
            "unfounded": self.tr("Not in the source"),
            "unchecked": self.tr("Not checkable: another language"),
        }[ground.verdict]
        if ground.deleted and ground.title:
            words = f"{words} · {self.tr('Source deleted')}" if words else self.tr("Source deleted")
        self._words.setText(words)
        self._words.setVisible(bool(words))
        name = self.tr("Source {0}: {1}").format(ground.n, title)
        self.setAccessibleName(", ".join(filter(None, (name, place, words))))
        self.setToolTip(parts.tip(self.tr("Open it where it says so") if not ground.deleted else ground.quote))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit(self._ground.n)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(self._ground.n)
        else:
            super().keyPressEvent(event)


class Sources(Retranslated, QWidget):
    """Those that are cited come first; what was only read is folded."""

    opened = Signal(int)  # n
    xray_requested = Signal()
    chip_removed = Signal(str)  # its key
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grounds: tuple[Ground, ...] = ()
        self._whole = False
        self._note = ""
        self._chips: tuple[Chip, ...] = ()
        self._narrowed = parts.row(space=SPACE.xs)
        self._narrowing = QWidget()
        self._narrowing.setLayout(self._narrowed)
        self._title = parts.label(role="caption", tone="muted")
        self._said = parts.label(role="caption", tone="warning", wrap=True)
        self._more = parts.button(kind="link")
        self._how = parts.button(kind="link")
        self._rows = parts.column(space=0)
        self._narrowing.hide()
        self._more.clicked.connect(self._on_more)
        self._how.clicked.connect(self.xray_requested)
        self.setLayout(
            parts.column(
                SPACE.xs,
                self._title,
                self._said,
                self._narrowing,
                self._rows,
                parts.row(self._more, None, self._how, space=SPACE.m),
                space=2,
            )
        )
        self.retranslate()

    def show_grounds(
        self, grounds: Sequence[Ground], note: str, chips: Sequence[Chip] = (), *, explained: bool
    ) -> None:
        """`note`: what a person should know about them, "" for nothing. `chips`: what the question was narrowed to.
        `explained`: there is an X-ray."""
        if tuple(chips) != self._chips:
            self._chips = tuple(chips)
            self._write_chips()
        self._how.setVisible(explained)
        if (tuple(grounds), note) != (self._grounds, self._note):
            self._grounds, self._note = tuple(grounds), note
            self._write()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Sources"))
        self._title.setText(self.tr("Sources"))
        self._how.setText(self.tr("How this was found"))
        self._said.setText(self._note)
        self._said.setVisible(bool(self._note))
        self._write_chips()
        folded = len(self._grounds) - self._shown
        self._more.setVisible(folded > 0)
        self._more.setText(self.tr("Show {0} more that were read").format(folded))

    def _write_chips(self) -> None:
        parts.clear(self._narrowed)
        self._narrowing.setVisible(bool(self._chips))
        if not self._chips:
            return
        self._narrowed.addWidget(parts.label(self.tr("Narrowed to"), role="caption", tone="muted"))
        for chip in self._chips:
            button = NameChip(16, *_CHIP_WIDTHS)
            button.setIcon(icons.icon("x", "muted"))
            button.say(chip.words, self.tr("Answer again without this limit"))
            button.setAccessibleName(self.tr("Without “{0}”").format(chip.words))
            button.clicked.connect(lambda _=False, key=chip.key: self.chip_removed.emit(key))
            self._narrowed.addWidget(button)
        self._narrowed.addStretch(1)

    @property
    def _shown(self) -> int:
        if self._whole:
            return len(self._grounds)
        cited = sum(ground.cited for ground in self._grounds)
        return cited or min(_FEW, len(self._grounds))

    def _write(self) -> None:
        parts.clear(self._rows)
        ordered = sorted(self._grounds, key=lambda ground: (not ground.cited, ground.n))
        for ground in ordered[: self._shown]:
            row = SourceRow(ground)
            row.opened.connect(self.opened)
            self._rows.addWidget(row)
        self.retranslate()

    def _on_more(self) -> None:
        self._whole = True
        self._write()
        self.resized.emit()
