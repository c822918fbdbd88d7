"""Every setting, grouped, made from `FIELDS`: a new setting appears here by itself. Changes take effect at once."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from app.widgets.connections_link import ConnectionsLink
from app.widgets.remembered import Remembered
from app.widgets.setting_row import SettingRow
from backends.core.fields import FieldSpec
from backends.core.phrase import Phrase
from backends.core.settings import FIELDS, GROUPS, Settings, value_of


class SettingsPage(Retranslated, parts.Page):
    """`usual`: by key, what an empty text stands for, such as the folder where models lie."""

    REMEMBERED_AFTER = "engine.warm_budget"
    CONNECTIONS_AFTER = "network.offline"

    setting_changed = Signal(str, object)
    reset_requested = Signal(str)
    connections_requested = Signal()

    def __init__(self, usual: Mapping[str, str] | None = None, fields: Sequence[FieldSpec] = FIELDS) -> None:
        super().__init__()
        self._usual = usual or {}
        self._pointed = ""
        self._laid_out = QTimer(self)
        self._laid_out.setSingleShot(True)
        self._laid_out.setInterval(0)
        self._laid_out.timeout.connect(self._on_laid_out)
        self._title = parts.label(role="title")
        self.body.addWidget(self._title)
        self._groups: dict[str, QLabel] = {}
        self.rows: dict[str, SettingRow] = {}
        self.remembered = Remembered()
        link = ConnectionsLink()
        link.requested.connect(self.connections_requested)
        below = {self.REMEMBERED_AFTER: self.remembered, self.CONNECTIONS_AFTER: link}
        for group in GROUPS:
            heading = self._groups[group] = parts.label(role="heading")
            card = parts.surface("card")
            inside = parts.column(space=0)
            for spec in fields:
                if spec.group == group:
                    if inside.count():
                        inside.addWidget(parts.line())
                    inside.addWidget(self._row(spec))
                    if spec.key in below:
                        inside.addWidget(parts.line())
                        inside.addWidget(below[spec.key])
            card.setLayout(inside)
            self.body.addLayout(parts.column(heading, card, space=SPACE.s))
        self.retranslate()

    def _row(self, spec: FieldSpec) -> SettingRow:
        row = self.rows[spec.key] = SettingRow(spec, self._usual.get(spec.key, ""))
        row.changed.connect(self.setting_changed)
        row.reset_requested.connect(self.reset_requested)
        return row

    def retranslate(self) -> None:
        self._title.setText(self.tr("Settings"))
        for group, heading in self._groups.items():
            heading.setText(say(GROUPS[group]))

    def show_settings(self, settings: Settings) -> None:
        for key, row in self.rows.items():
            row.show_value(value_of(settings, key))

    def point_to(self, key: str) -> None:
        """Bring this setting into sight, ready to be changed."""
        self._pointed = key
        self._laid_out.start()

    @Slot()
    def _on_laid_out(self) -> None:
        if (row := self.rows.get(self._pointed)) is not None:
            self.ensureWidgetVisible(row, 0, SPACE.xl)
            row.field.widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def offer_models(self, models: Sequence[tuple[str, str]]) -> None:
        """(id, name) of the models on this computer."""
        for row in self.rows.values():
            if row.spec.kind == "model":
                row.offer_models(models)

    def show_error(self, key: str, message: Phrase) -> None:
        """This value was refused."""
        if (row := self.rows.get(key)) is not None:
            row.show_error(message)
