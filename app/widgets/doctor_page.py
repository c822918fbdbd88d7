"""Is this machine in order? What is wrong stands on top, each with its repair; what is in order below."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout

from app import parts
from app.doctor_picture import DoctorPicture, key_of
from app.language import Retranslated
from app.notices import NoticeBoard
from app.theme import SPACE
from app.widgets.finding_row import FindingRow
from backends.doctor.types import Finding


class FindingCard(QFrame):
    """Findings below each other; one that stays keeps its row, and with it the focus."""

    def __init__(self, chosen: SignalInstance) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._chosen = chosen
        self.rows: dict[str, FindingRow] = {}
        self._column: QVBoxLayout = parts.column(space=0, margin=(SPACE.l, SPACE.xs, SPACE.l, SPACE.xs))
        self.setLayout(self._column)
        self.setVisible(False)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        wanted = {key_of(one): one for one in findings}
        for key in [key for key in self.rows if key not in wanted]:
            row = self.rows.pop(key)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for place, (key, finding) in enumerate(wanted.items()):
            row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = FindingRow(finding)
                row.repair_requested.connect(self._chosen)
            row.finding = finding
            if self._column.indexOf(row) != place:
                self._column.insertWidget(place, row)
        self.setVisible(bool(wanted))


class DoctorPage(Retranslated, parts.Page):
    """Draws a `DoctorPicture`; asks for what is pressed."""

    back_requested = Signal()
    examine_requested = Signal()
    stop_requested = Signal()
    deep_switched = Signal(bool)
    save_requested = Signal()
    copy_requested = Signal()
    repair_requested = Signal(object)  # Finding

    def __init__(self) -> None:
        super().__init__()
        self._picture = DoctorPicture()
        self._back = parts.button(kind="quiet", icon="arrow-left")
        self._title = parts.label(role="title")
        self._lead = parts.label(tone="muted", wrap=True)
        self.notices = NoticeBoard()
        self._sum = parts.label(role="heading", wrap=True)
        self._sum.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.examine = parts.button(kind="primary", icon="rotate-cw")
        self.stop = parts.button(kind="secondary", icon="stop")
        self.save = parts.button(kind="quiet", icon="download")
        self.copy = parts.button(kind="quiet", icon="copy")
        self.deep = parts.Switch()
        self._deep_label = parts.label(wrap=True)
        self._wrong_title = parts.label(role="heading")
        self.wrong = FindingCard(self.repair_requested)
        self._well_title = parts.label(role="heading")
        self.well = FindingCard(self.repair_requested)
        deep = parts.row(self.deep, self._deep_label, space=SPACE.m)
        deep.setStretch(1, 1)
        buttons = parts.row(self.examine, self.stop, self.save, self.copy, None)
        head = parts.column(parts.row(self._back, None), self._title, self._lead, space=SPACE.xs)
        self.body.addLayout(head)
        self.body.addWidget(self.notices)
        self.body.addWidget(parts.card(self._sum, buttons, deep))
        self.body.addLayout(parts.column(self._wrong_title, self.wrong, space=SPACE.s))
        self.body.addLayout(parts.column(self._well_title, self.well, space=SPACE.s))
        self.body.setSpacing(SPACE.l)
        self._connect()
        self.retranslate()
        self.show_picture(self._picture)

    def _connect(self) -> None:
        self._back.clicked.connect(self.back_requested)
        self.examine.clicked.connect(self.examine_requested)
        self.stop.clicked.connect(self.stop_requested)
        self.save.clicked.connect(self.save_requested)
        self.copy.clicked.connect(self.copy_requested)
        self.deep.toggled.connect(self.deep_switched)

    def retranslate(self) -> None:
        self._back.setText(self.tr("Monitor"))
        self._back.setAccessibleName(self.tr("Back to the monitor"))
        self._title.setText(self.tr("Check this machine"))
        self._lead.setText(
            self.tr("Graphics cards, engine, models, databases, keys, disks, network, port. Looking changes nothing.")
        )
        self.examine.setText(self.tr("Check again"))
        self.stop.setText(self.tr("Stop"))
        self.save.setText(self.tr("Save report…"))
        self.copy.setText(self.tr("Copy report"))
        self.copy.setToolTip(self.tr("Without keys, texts, names and places of yours"))
        self.save.setToolTip(self.copy.toolTip())
        self._deep_label.setText(self.tr("Read every byte of models and databases, too. This may take minutes."))
        self.deep.setAccessibleName(self._deep_label.text())
        self._wrong_title.setText(self.tr("What needs you"))
        self._well_title.setText(self.tr("In order"))
        self._draw_sum()

    def show_picture(self, picture: DoctorPicture) -> None:
        self._picture = picture
        looking = picture.stage == "looking"
        self.examine.setVisible(not looking)
        self.stop.setVisible(looking)
        for button in (self.save, self.copy):
            button.setEnabled(bool(picture.findings) and not looking)
        self.deep.setEnabled(not looking)
        self.deep.setChecked(picture.deep)
        self.deep.update()
        self.wrong.show_findings(picture.wrong)
        self.well.show_findings(picture.well)
        for row in self.wrong.rows.values():
            row.show_busy(picture.rebuilding if row.finding.action == "rebuild_search" else None)
        self._wrong_title.setVisible(bool(picture.wrong))
        self._well_title.setVisible(bool(picture.well))
        self._draw_sum()

    def _draw_sum(self) -> None:
        picture = self._picture
        failed = sum(one.verdict == "fail" for one in picture.wrong)
        odd = len(picture.wrong) - failed
        tone = {"ok": "", "warn": "warning", "fail": "danger"}[picture.verdict]
        if picture.stage == "new":
            words = self.tr("Nothing was looked at yet.")
        elif picture.stage == "looking":
            words = self.tr("Looking…")
            tone = ""
        elif picture.stage == "stopped":
            words = self.tr("Stopped. What was found until then stands below.")
            tone = ""
        elif failed:
            words = self.tr("1 problem was found.") if failed == 1 else self.tr("%1 problems were found.")
        elif odd:
            one, more = self.tr("Nothing is broken. 1 thing to look at."), self.tr("Nothing is broken. %1 to look at.")
            words = one if odd == 1 else more
        else:
            words = self.tr("All is well.")
        self._sum.setText(words.replace("%1", str(failed or odd)))
        parts.set_look(self._sum, tone=tone)
