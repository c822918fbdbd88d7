"""The documents: collections beside them, the list, how reading them goes, and what is chosen."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLocale, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QFrame, QSplitter, QStackedLayout, QWidget

from app import parts
from app.language import Retranslated, sentences
from app.library import SORTS, Library
from app.lists.collections import CollectionList
from app.lists.documents import DocumentList
from app.theme import SPACE, px
from app.widgets.collection_panel import CollectionPanel
from app.widgets.document_foot import DocumentFoot
from app.widgets.document_rows import DocumentView
from app.widgets.elided import ElidedLabel
from app.widgets.filter_box import FilterBox
from app.widgets.intake_strip import IntakeStrip
from app.widgets.no_documents import NoDocuments
from backends.chat.titles import shorten

LOW = 600  # below this height strips say less
PANEL_FITS = 820  # below this width the panel folds away, and a box takes its place
SETTLED_MS = 150  # after the last key
_NAME = 48  # cells of a name within a sentence


class DocumentsPage(Retranslated, QFrame):
    """Draws a `Library`; asks for what is pressed."""

    collection_chosen = Signal(object)  # id, or None: all
    collection_added = Signal(str)
    collection_removed = Signal(int)
    files_chosen = Signal(list)  # of Path
    text_pasted = Signal(str)
    query_changed = Signal(str)
    sort_chosen = Signal(str)
    delete_requested = Signal(list, list)  # ids; (first row, count) of what is chosen and not here
    undo_requested = Signal()
    erase_requested = Signal()
    quotes_toggled = Signal(bool)  # old answers lose their quotes of what is deleted, too
    ask_requested = Signal(object)  # id of a collection, or None: all
    watch_requested = Signal(str)
    unwatch_requested = Signal(int)
    pause_requested = Signal()
    going_on_requested = Signal()
    cancel_requested = Signal()
    open_requested = Signal(object)  # Document
    reveal_requested = Signal(object)
    retry_requested = Signal(int)
    recognise_requested = Signal(int)
    password_given = Signal(int, str)
    again_requested = Signal()

    def __init__(self, documents: DocumentList, collections: CollectionList) -> None:
        super().__init__()
        self.setProperty("surface", "page")
        self._documents = documents
        self._library = Library()
        self._fits: bool | None = None
        self._low = False
        self.panel = CollectionPanel(collections)
        self._title = ElidedLabel("title")
        self._count = parts.label(role="caption", tone="muted")
        self._ask = parts.button(kind="secondary", icon="message-circle")
        self._folder = parts.button(kind="secondary", icon="folder-plus")
        self._files = parts.button(kind="primary", icon="plus")
        self._pick = QComboBox()
        self.filter = FilterBox()
        self._sort = QComboBox()
        self.intake = IntakeStrip()
        self._undo_words = parts.label(wrap=True)
        self._undo = parts.button(kind="secondary", icon="undo-2")
        self._erase = parts.button(kind="quiet", icon="trash-2")
        self._quotes = QCheckBox()
        self._undo_strip = parts.surface("info")
        self.view = DocumentView(documents)
        self.nothing = NoDocuments()
        self.foot = DocumentFoot()
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLED_MS)
        self._build()
        self._connect()
        self.retranslate()

    def _build(self) -> None:
        head = parts.row(self._title, self._count, None, self._ask, self._folder, self._files)
        tools = parts.row(self._pick, self.filter, self._sort)
        tools.setStretch(1, 1)
        undo = parts.row(self._undo_words, self._erase, self._undo)
        undo.setStretch(0, 1)
        self._undo_strip.setLayout(
            parts.column(undo, self._quotes, space=0, margin=(SPACE.l, SPACE.s, SPACE.s, SPACE.s))
        )
        middle = QWidget()
        self._middle = QStackedLayout(middle)
        self._middle.addWidget(self.view)
        self._middle.addWidget(self.nothing)
        upper = parts.column(
            head, tools, self.intake, self._undo_strip, space=SPACE.m, margin=(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.s)
        )
        rows = parts.column(middle, margin=(SPACE.m, 0, SPACE.m, SPACE.s))
        main = QWidget()
        column = parts.column(upper, rows, self.foot, space=0)
        column.setStretch(1, 1)
        main.setLayout(column)
        main.setMinimumWidth(320)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(main)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([240, 1000])
        self.setLayout(parts.column(self.splitter, space=0))

    def _connect(self) -> None:
        panel, foot, nothing = self.panel, self.foot, self.nothing
        panel.collection_chosen.connect(self.collection_chosen)
        panel.collection_added.connect(self.collection_added)
        panel.remove_requested.connect(self.collection_removed)
        panel.watch_requested.connect(self._on_watch)
        panel.unwatch_requested.connect(self.unwatch_requested)
        for button in (self._files.clicked, nothing.files_requested):
            button.connect(self.choose_files)
        for button in (self._folder.clicked, nothing.folder_requested):
            button.connect(self._on_folder)
        nothing.all_requested.connect(self._on_all)
        nothing.again_requested.connect(self.again_requested)
        self._pick.activated.connect(lambda place: self.collection_chosen.emit(self._pick.itemData(place)))
        self._sort.activated.connect(lambda place: self.sort_chosen.emit(self._sort.itemData(place)))
        self.filter.textChanged.connect(lambda: self._settled.start())
        self.filter.down_pressed.connect(self._on_down)
        self._settled.timeout.connect(lambda: self.query_changed.emit(self.filter.text().strip()))
        self._quotes.toggled.connect(self.quotes_toggled)
        self._ask.clicked.connect(lambda: self.ask_requested.emit(self._library.chosen))
        self._undo.clicked.connect(self.undo_requested)
        self._erase.clicked.connect(self.erase_requested)
        self.intake.pause_requested.connect(self.pause_requested)
        self.intake.going_on_requested.connect(self.going_on_requested)
        self.intake.cancel_requested.connect(self.cancel_requested)
        self.view.chosen_changed.connect(self._draw_foot)
        self.view.opened.connect(self._on_opened)
        self.view.delete_requested.connect(self._on_delete)
        self._documents.dataChanged.connect(self._draw_foot)
        foot.delete_requested.connect(self._on_delete)
        foot.open_requested.connect(self.open_requested)
        foot.reveal_requested.connect(self.reveal_requested)
        foot.retry_requested.connect(self.retry_requested)
        foot.recognise_requested.connect(self.recognise_requested)
        foot.password_given.connect(self.password_given)

    def retranslate(self) -> None:
        self._ask.setText(self.tr("Ask"))
        self._ask.setToolTip(parts.tip(self.tr("A new chat whose answers are made from these documents")))
        self._folder.setText(self.tr("Add a folder"))
        self._files.setText(self.tr("Add files"))
        self._undo.setText(self.tr("Undo"))
        self._erase.setText(self.tr("Erase now"))
        self.view.setAccessibleName(self.tr("Documents"))
        self._pick.setAccessibleName(self.tr("Collection"))
        self._sort.setAccessibleName(self.tr("Order"))
        self.filter.name(self.tr("Filter by name or title"))
        words = {
            "added": self.tr("Newest first"),
            "name": self.tr("By name"),
            "modified": self.tr("By date"),
            "size": self.tr("By size"),
            "pages": self.tr("By pages"),
        }
        with QSignalBlocker(self._sort):
            self._sort.clear()
            for sort in SORTS:
                self._sort.addItem(words[sort], sort)
        self._documents.retranslate()
        self._draw()

    # ---- what is shown

    def show_library(self, library: Library) -> None:
        if library != self._library:
            self._library = library
            self._draw()

    def _draw(self) -> None:
        library = self._library
        chosen = library.collection(library.chosen)
        self._title.setText(chosen.name if chosen else self.tr("Documents"))
        count = QLocale().toString(library.count)
        found = self.tr("%1 of %2").replace("%2", QLocale().toString(library.whole))
        self._count.setText(found.replace("%1", count) if library.query else count if library.count else "")
        self.panel.show_library(library)
        self.intake.show_intake(library.intake)
        self._undo_strip.setVisible(bool(library.deletions))
        self._undo_words.setText(self._gone(library))
        self._draw_quotes(library.quoting)
        self.nothing.show_library(library)
        self._middle.setCurrentWidget(self.view if library.count else self.nothing)
        self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus if library.count else Qt.FocusPolicy.NoFocus)
        with QSignalBlocker(self._sort):
            self._sort.setCurrentIndex(self._sort.findData(library.sort))
        usable = library.state == "ready" and bool(library.whole or library.query)
        self.filter.setVisible(usable)
        self._sort.setVisible(usable)
        empty = library.state != "ready" or not library.documents
        self._ask.setVisible(not empty)
        self._folder.setVisible(not empty)
        self._files.setVisible(not empty)
        self._draw_pick()
        self._draw_foot()

    def _gone(self, library: Library) -> str:
        """What was deleted, what becomes of it, and what the next undo puts back."""
        if not library.deletions:
            return ""
        count, last = library.deleted, library.deletions[-1]
        if count == 1:
            said, when = self.tr("1 document deleted."), self.tr("It is erased for good when you leave this page.")
        elif count:
            said = self.tr("%1 documents deleted.").replace("%1", QLocale().toString(count))
            when = self.tr("They are erased for good when you leave this page.")
        else:
            said, when = self.tr("Collection removed."), ""
        if last.collection_id is not None:
            back = self.tr("Undo puts back the collection “%1”.").replace("%1", shorten(last.name, _NAME))
        elif last.name:
            back = self.tr("Undo puts back “%1”.").replace("%1", shorten(last.name, _NAME))
        else:
            number = QLocale().toString(len(last.ids))
            back = self.tr("Undo puts back the last %1 documents.").replace("%1", number)
        return sentences([said, back] if self._low else [said, when, back])

    def _draw_quotes(self, answers: int) -> None:
        self._quotes.setVisible(answers > 0)
        if not answers:
            with QSignalBlocker(self._quotes):
                self._quotes.setChecked(False)
        one = self.tr("Erase the quotes in 1 old answer, too")
        several = self.tr("Erase the quotes in %1 old answers, too").replace("%1", QLocale().toString(answers))
        self._quotes.setText(one if answers == 1 else several)

    def _draw_pick(self) -> None:
        """The collections as a box, where there is no room for the panel."""
        library = self._library
        with QSignalBlocker(self._pick):
            self._pick.clear()
            self._pick.addItem(self.tr("All documents"), None)
            for one in library.collections:
                self._pick.addItem(one.name, one.id)
            self._pick.setCurrentIndex(max(0, self._pick.findData(library.chosen)) if library.chosen is not None else 0)
        self._pick.setVisible(self._fits is False and bool(library.collections))

    @Slot()
    def _draw_foot(self) -> None:
        count = self.view.chosen_count if self._library.count else 0
        self.foot.show_chosen(self.view.only(), count, recognises=self._library.recognises)
        crowded = self._low and count > 0 and bool(self._library.deletions)
        self.intake.setVisible(self._library.intake is not None and not crowded)  # rows tell of theirs, too

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = self.height() < px(LOW)
        if low != self._low:
            self._low = low
            self.intake.set_low(low)
            self.foot.set_low(low)
            self._draw()
        fits = self.width() >= px(PANEL_FITS)
        if fits != self._fits:
            self._fits = fits
            self.panel.setVisible(fits)
            self._draw_pick()

    # ---- what a person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        clipboard = QGuiApplication.clipboard().mimeData()
        if event.matches(QKeySequence.StandardKey.Paste) and clipboard.hasText() and not clipboard.hasUrls():
            self.text_pasted.emit(clipboard.text())
        elif event.matches(QKeySequence.StandardKey.Undo) and self._library.deletions:
            self.undo_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Find):
            self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            super().keyPressEvent(event)

    @Slot()
    def choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, self.tr("Add documents"))
        self._give(chosen)

    @Slot()
    def _on_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Add a folder of documents"))
        self._give([chosen] if chosen else [])

    def _give(self, names: Sequence[str]) -> None:
        if names:
            self.files_chosen.emit([Path(name) for name in names])

    @Slot()
    def _on_watch(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("Watch a folder of documents")):
            self.watch_requested.emit(chosen)

    @Slot()
    def _on_all(self) -> None:
        self.filter.clear()
        self._settled.stop()
        self.query_changed.emit("")

    @Slot()
    def _on_down(self) -> None:
        if self._library.count:
            self.view.setFocus(Qt.FocusReason.TabFocusReason)
            if not self.view.currentIndex().isValid():
                self.view.setCurrentIndex(self._documents.index(0))

    @Slot()
    def _on_delete(self) -> None:
        self.delete_requested.emit(self.view.chosen, self.view.chosen_absent)

    @Slot(object)
    def _on_opened(self, document: object) -> None:
        """A double click, or Enter: a locked one asks for its password, one that has text is opened."""
        row = self.view.only()
        if row is not None and row.document.status == "encrypted":
            self.foot.password.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.open_requested.emit(document)
