"""Several versions of one model side by side: which is in use, and the switch to another."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import figures, parts
from app.language import Retranslated
from app.theme import SPACE
from backends.models.types import LocalModel


class Versions(Retranslated, QWidget):
    use_requested = Signal(object)  # LocalModel

    def __init__(self) -> None:
        super().__init__()
        self._versions: tuple[LocalModel, ...] = ()
        self._title = parts.label(role="strong")
        self._column = parts.column(space=SPACE.xs)
        self.setLayout(parts.column(self._title, self._column, space=SPACE.xs))
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Versions"))
        self._draw()

    def show_versions(self, versions: Sequence[LocalModel]) -> None:
        if tuple(versions) != self._versions:
            self._versions = tuple(versions)
            self._draw()

    def _draw(self) -> None:
        parts.clear(self._column)
        self.setVisible(len(self._versions) > 1)
        for model in self._versions:
            name = parts.label(model.version or model.path.parent.name, role="mono")
            facts = parts.label(figures.file_size(model.size), role="caption", tone="muted")
            current = parts.label(self.tr("In use"), role="pill", tone="accent")
            current.setVisible(model.current)
            use = parts.button(self.tr("Use this one"), kind="secondary")
            use.setAccessibleName(f"{use.text()}: {name.text()}")
            use.setVisible(not model.current)
            use.clicked.connect(lambda _=False, model=model: self.use_requested.emit(model))
            self._column.addLayout(parts.row(name, facts, current, None, use))
