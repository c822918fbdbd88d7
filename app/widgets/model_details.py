"""What there is to know and to do about a file on this disk, below its card."""

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app import parts
from app.language import Retranslated, say
from app.picture import Details
from app.theme import SPACE
from app.widgets.adapters import Adapters
from app.widgets.memory_table import MemoryTable
from app.widgets.smaller import MakeSmaller
from app.widgets.versions import Versions
from app.widgets.working import WorkingRow


class ModelDetails(Retranslated, QWidget):
    """Draws `Details`. Which file it is about is known to whoever holds this."""

    verify_requested = Signal()
    repair_requested = Signal()
    update_requested = Signal()
    plan_smaller_requested = Signal(str)
    make_smaller_requested = Signal(str)
    use_requested = Signal(object)
    adapter_scaled = Signal(object, float)
    adapter_removed = Signal(object)
    adapter_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._details: Details | None = None
        self._line = parts.line()
        self._working = WorkingRow()
        self._trouble = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._title = parts.label(role="strong")
        self.memory = MemoryTable()
        self.versions = Versions()
        self.smaller = MakeSmaller()
        self.adapters = Adapters()
        self._verify = parts.button(kind="secondary", icon="shield-check")
        self._update = parts.button(kind="secondary", icon="rotate-cw")
        self._checked = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._folder = parts.icon_button("folder-open")
        self._folder.clicked.connect(self._on_folder)
        self._verify.clicked.connect(self.verify_requested)
        self._update.clicked.connect(self.update_requested)
        self.smaller.plan_requested.connect(self.plan_smaller_requested)
        self.smaller.make_requested.connect(self.make_smaller_requested)
        self.versions.use_requested.connect(self.use_requested)
        self.adapters.scale_chosen.connect(self.adapter_scaled)
        self.adapters.remove_requested.connect(self.adapter_removed)
        self.adapters.file_chosen.connect(self.adapter_chosen)
        memory = parts.column(self._title, self.memory, space=SPACE.xs)
        files = parts.column(parts.row(self._verify, self._update, self._folder, None), self._checked, space=SPACE.xs)
        self.setLayout(
            parts.column(
                self._line, self._working, self._trouble, memory, self.versions, self.adapters, self.smaller, files,
                space=SPACE.l,
            )
        )  # fmt: skip
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Memory"))
        self._verify.setText(self.tr("Verify the file"))
        self._update.setText(self.tr("Look for a newer version"))
        parts.name_button(self._folder, self.tr("Show in its folder"))
        self._draw()

    def show_details(self, details: Details | None, *, updatable: bool = False) -> None:
        self._update.setVisible(updatable)
        if details != self._details:
            self._details = details
            self._draw()

    def _draw(self) -> None:
        details = self._details
        looking = details is None or (details.plan is None and not details.trouble.en)
        self._working.setVisible(looking)
        if looking:
            self._working.show_work(self.tr("Planning"))
        if details is None:
            return
        self._trouble.setText(say(details.trouble))
        self._trouble.setVisible(bool(details.trouble.en))
        self._title.setVisible(details.plan is not None)
        self.memory.show_plan(details.plan, details.measured)
        self.versions.show_versions(details.versions)
        self.adapters.show_adapters(details.adapters)
        self.smaller.show_details(details)
        self._checked.setText(say(details.checked))
        self._checked.setVisible(bool(details.checked.en))

    @Slot()
    def _on_folder(self) -> None:
        if self._details is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._details.path.parent)))

    @Slot(bool)
    def set_busy(self, busy: bool) -> None:
        """While something is being done with the file nothing else can be begun."""
        for widget in (self._verify, self._update, self.smaller, self.adapters):
            widget.setEnabled(not busy)
