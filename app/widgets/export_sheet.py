"""The export sheet: what, as which format, with or without thinking, where; and that AI text is marked."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QProgressBar, QWidget

from app import figures, parts
from app.exporting import FORMS, AskedExport, Choice, ExportPicture
from app.language import Retranslated
from app.theme import SPACE, px
from app.widgets.elided import ElidedLabel
from app.widgets.segments import Segments


class ExportSheet(Retranslated, parts.Page):
    export_requested = Signal(object)  # AskedExport
    form_chosen = Signal(str)
    place_requested = Signal()
    settings_requested = Signal()
    stop_requested = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture: ExportPicture | None = None
        self._back = parts.button(kind="quiet", icon="arrow-left")
        self._title = parts.label(role="title")
        self._of = parts.label(tone="muted", wrap=True)
        self._labels = [parts.label(wrap=True) for _ in range(4)]
        self.what = QComboBox()
        self.form = Segments(FORMS)
        self._form_words = parts.label(role="caption", tone="muted", wrap=True)
        self.thinking = parts.Switch()
        self.thinking.setChecked(True)
        self._place = ElidedLabel()
        self._change = parts.button(kind="secondary", icon="folder-open")
        self._label_words = parts.label(role="caption", tone="muted", wrap=True)
        self._label_settings = parts.button(kind="link")
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._cancel = parts.button(kind="quiet")
        self._export = parts.button(kind="primary", icon="download")
        self._build()
        self._back.clicked.connect(self.left)
        self.form.chosen.connect(self._on_form)
        self._change.clicked.connect(self.place_requested)
        self._label_settings.clicked.connect(self.settings_requested)
        self._cancel.clicked.connect(self._on_cancel)
        self._export.clicked.connect(self._on_export)
        self.retranslate()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.l)
        grid.setVerticalSpacing(SPACE.m)
        form = QWidget()
        form.setLayout(parts.column(parts.row(self.form, None), self._form_words, space=SPACE.xs))
        thinking = QWidget()
        thinking.setLayout(parts.row(self.thinking, None))
        place = QWidget()
        row = parts.row(self._place, self._change, space=SPACE.m)
        row.setStretch(0, 1)
        place.setLayout(row)
        for line, (label, field) in enumerate(zip(self._labels, (self.what, form, thinking, place), strict=True)):
            label.setMinimumWidth(px(96))
            top = Qt.AlignmentFlag.AlignTop if field is form else Qt.AlignmentFlag.AlignVCenter
            label.setContentsMargins(0, SPACE.s if field is form else 0, 0, 0)
            grid.addWidget(label, line, 0, top)
            grid.addWidget(field, line, 1)
        grid.setColumnStretch(1, 1)
        marked = parts.row(parts.picture("info", size=16), self._label_words, self._label_settings, space=SPACE.s)
        marked.setStretch(1, 1)
        foot = parts.row(self._bar, None, self._cancel, self._export)
        foot.setStretch(0, 1)
        head = parts.column(parts.row(self._back, None), self._title, self._of, space=SPACE.s)
        self.body.setSpacing(SPACE.l)
        self.body.addLayout(head)
        self.body.addWidget(parts.card(grid, parts.line(), marked, space=SPACE.l))
        self.body.addLayout(foot)

    def show_picture(self, picture: ExportPicture) -> None:
        before, self._picture = self._picture, picture
        if before is None or before.choices != picture.choices:
            self._fill()
        self.form.choose(picture.form)
        self._draw()

    def focus_first(self) -> None:
        self.what.setFocus(Qt.FocusReason.OtherFocusReason)

    def retranslate(self) -> None:
        self._back.setText(self.tr("Back to the chat"))
        self._title.setText(self.tr("Export"))
        words = (self.tr("What"), self.tr("Format"), self.tr("Thinking"), self.tr("Where"))
        for label, text in zip(self._labels, words, strict=True):
            label.setText(text)
        self.what.setAccessibleName(words[0])
        self.form.name(
            {"md": "Markdown", "html": "HTML", "docx": "Word", "pdf": "PDF", "json": "JSON"}, self.tr("Format")
        )
        self.thinking.setAccessibleName(words[2])
        self._change.setText(self.tr("Change…"))
        self._label_settings.setText(self.tr("Settings"))
        self._label_settings.setAccessibleName(self.tr("Settings of the mark for AI text"))
        self._bar.setAccessibleName(self.tr("Export"))
        self._cancel.setText(self.tr("Cancel"))
        self._export.setText(self.tr("Export"))
        self._fill()
        self._draw()

    def _fill(self) -> None:
        if self._picture is None:
            return
        chosen = max(0, self.what.currentIndex())
        with QSignalBlocker(self.what):
            self.what.clear()
            for choice in self._picture.choices:
                self.what.addItem(self._words(choice))
            self.what.setCurrentIndex(min(chosen, self.what.count() - 1))

    def _words(self, choice: Choice) -> str:
        if choice.extent == "conversation" and choice.count > 1:
            return self.tr("The %1 chosen chats").replace("%1", figures.number(choice.count))
        return {
            "message": self.tr("This message"),
            "branch": self.tr("The chat up to this message"),
            "shown": self.tr("The chat as it is shown"),
            "conversation": self.tr("The chat with all its branches"),
            "all": self.tr("All chats"),
        }[choice.extent]

    def _draw(self) -> None:
        picture = self._picture
        if picture is None:
            return
        running = picture.fraction is not None
        self._of.setText(picture.title)
        self._of.setVisible(bool(picture.title))
        self._form_words.setText(
            {
                "md": self.tr("Text for editors and note apps."),
                "html": self.tr("One page for the browser that needs no internet."),
                "docx": self.tr("A document to write on in Word or another office program."),
                "pdf": self.tr("Pages to print or to send."),
                "json": self.tr("Everything, for DeskSeek on another computer or as a copy."),
            }[picture.form]
        )
        self._place.setText(str(picture.path))
        self._place.setToolTip(parts.tip(str(picture.path)))
        self._label_words.setText(
            self.tr("What the model wrote is marked as AI-generated.")
            if picture.labelled
            else self.tr("What the model wrote is not marked as AI-generated; when and what is noted.")
        )
        for widget in (self.what, self.form, self.thinking, self._change, self._export):
            widget.setEnabled(not running)
        self._bar.setVisible(running)
        self._bar.setValue(round(1000 * (picture.fraction or 0.0)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_cancel()
        else:
            super().keyPressEvent(event)

    @Slot(str)
    def _on_form(self, form: str) -> None:
        self.form_chosen.emit(form)

    @Slot()
    def _on_cancel(self) -> None:
        running = self._picture is not None and self._picture.fraction is not None
        (self.stop_requested if running else self.left).emit()

    @Slot()
    def _on_export(self) -> None:
        if self._picture is not None:
            choice = self._picture.choices[self.what.currentIndex()]
            self.export_requested.emit(AskedExport(choice.selection, self.form.current, self.thinking.isChecked()))
