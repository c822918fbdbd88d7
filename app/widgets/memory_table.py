"""What a model takes on each device: predicted beside measured."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app import figures, parts
from app.language import Retranslated, sentences
from app.theme import SPACE
from backends.core.phrase import Phrase
from backends.models.experience import Measured
from backends.models.types import Plan

NOTHING = "–"


class MemoryTable(Retranslated, QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._plan: Plan | None = None
        self._measured: tuple[Measured, ...] = ()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.xs)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._note = parts.label(role="caption", tone="muted", wrap=True)
        self.setLayout(parts.column(self._grid, self._note, space=SPACE.xs))

    def retranslate(self) -> None:
        self._draw()

    def show_plan(self, plan: Plan | None, measured: Sequence[Measured]) -> None:
        if (plan, tuple(measured)) != (self._plan, self._measured):
            self._plan, self._measured = plan, tuple(measured)
            self._draw()

    def rows(self) -> list[list[str]]:
        """The texts as they stand in the table, the heading first."""
        plan = self._plan
        if plan is None:
            return []
        heading = [
            "",
            self.tr("Weights"),
            self.tr("Context"),
            self.tr("Computing"),
            self.tr("In all"),
            self.tr("Measured"),
        ]
        found = [heading]
        for device in plan.devices:
            found.append(
                [
                    device.name,
                    _size(device.weights),
                    _size(device.kv),
                    _size(device.compute + device.overhead),
                    _size(device.total),
                    self._measured_on(device.name),
                ]
            )
        return found

    def _measured_on(self, name: str) -> str:
        """The newest measurement of this device with this context; a dash where nothing was measured yet."""
        assert self._plan is not None
        for one in self._measured:
            same = one.what == "memory" and name in one.devices
            if same and one.context == self._plan.options.context:
                return figures.memory_size(round(one.measured))
        return NOTHING

    def _draw(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, texts in enumerate(self.rows()):
            for column, text in enumerate(texts):
                self._grid.addWidget(_cell(text, heading=row == 0, first=column == 0), row, column)
        self._grid.setColumnStretch(0, 1)
        self._note.setText(sentences([self._speeds(), *self._how()]))
        self._note.setVisible(bool(self._note.text()))

    def _speeds(self) -> str:
        speeds = [one for one in self._measured if one.what == "speed"]
        if not speeds:
            return ""
        words = self.tr("Last answer: %1, predicted %2.")
        return words.replace("%1", figures.rate(speeds[0].measured)).replace("%2", figures.rate(speeds[0].predicted))

    def _how(self) -> list[Phrase | str]:
        plan = self._plan
        if plan is None:
            return []
        exact = self.tr("As the engine itself plans it.") if plan.exact else self.tr("By formula.")
        learnt = ""
        if plan.corrected:
            more, less = (
                self.tr("Loads on this computer took %1 more."),
                self.tr("Loads on this computer took %1 less."),
            )
            words = more if plan.corrected > 0 else less
            learnt = words.replace("%1", figures.memory_size(abs(plan.corrected)))
        return [exact, learnt, *plan.notes]


def _size(size: int) -> str:
    return figures.memory_size(size) if size else NOTHING


def _cell(text: str, *, heading: bool, first: bool) -> QLabel:
    label = parts.label(text, role="caption", tone="muted" if heading else "", select=not heading)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft if first else Qt.AlignmentFlag.AlignRight)
    return label
