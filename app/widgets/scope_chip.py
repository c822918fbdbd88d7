"""Which documents the next answer is made from, beside the model that makes it."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app import figures, icons, parts
from app.language import Retranslated
from app.widgets.name_chip import NameChip
from backends.chat.sourced import ConversationScope
from backends.documents.types import Collection

_WIDTHS = 112, 220  # pixels


class ScopeChip(Retranslated, NameChip):
    """`given`: documents that were dropped on this conversation only."""

    scope_chosen = Signal(object)  # ConversationScope
    add_requested = Signal()
    documents_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(14, *_WIDTHS, parent)
        self._scope = ConversationScope()
        self._collections: tuple[Collection, ...] = ()
        self._given = 0
        self._menu = parts.menu(self)
        self._menu.aboutToShow.connect(self._on_menu_opening)
        self.setMenu(self._menu)
        self.retranslate()

    @property
    def scope(self) -> ConversationScope:
        return self._scope

    def show_scope(self, scope: ConversationScope, collections: Sequence[Collection], given: int) -> None:
        self._scope, self._collections, self._given = scope, tuple(collections), given
        self.retranslate()

    def retranslate(self) -> None:
        words = self._words()
        self.setIcon(icons.icon("file-text", "muted" if self._scope.kind == "off" else "accent"))
        self.setAccessibleName(self.tr("Documents: {0}").format(words))
        self.say(words, self.tr("Which documents the answer is made from"))

    def _words(self) -> str:
        scope = self._scope
        if scope.kind == "off":
            return self.tr("No documents")
        if scope.kind == "all":
            return self.tr("All documents")
        if scope.kind == "dropped":
            return (
                self.tr("1 file of this chat")
                if self._given == 1
                else self.tr("{0} files of this chat").format(self._given)
            )
        if scope.kind == "documents":
            return self.tr("1 document") if len(scope.ids) == 1 else self.tr("{0} documents").format(len(scope.ids))
        names = [one.name or self.tr("Documents") for one in self._collections if one.id in scope.ids]
        if len(names) == 1:
            return names[0]
        return self.tr("{0} collections").format(len(names))

    @Slot()
    def _on_menu_opening(self) -> None:
        self._menu.clear()
        self._entry(self.tr("No documents"), ConversationScope())
        self._entry(self.tr("All documents"), ConversationScope("all"))
        if self._given:
            words = self.tr("Only the files of this chat ({0})").format(self._given)
            self._entry(words, ConversationScope("dropped"))
        if self._collections:
            self._menu.addSeparator()
        for collection in self._collections:
            self._collection(collection)
        self._menu.addSeparator()
        self._menu.addAction(self.tr("Add files to this chat…"), self.add_requested.emit)
        self._menu.addAction(self.tr("All documents of this computer…"), self.documents_requested.emit)

    def _entry(self, words: str, scope: ConversationScope) -> None:
        action = QAction(words, self._menu)
        action.setCheckable(True)
        action.setChecked(self._scope.kind == scope.kind)
        action.triggered.connect(lambda: self.scope_chosen.emit(scope))
        self._menu.addAction(action)

    def _collection(self, collection: Collection) -> None:
        """Several can be chosen; without any there are no documents."""
        name = collection.name or self.tr("Documents")
        action = QAction(f"{name} ({figures.number(collection.documents)})".replace("&", "&&"), self._menu)
        action.setCheckable(True)
        chosen = self._scope.ids if self._scope.kind == "collections" else ()
        action.setChecked(collection.id in chosen)
        others = tuple(one for one in chosen if one != collection.id)
        ids = others if collection.id in chosen else (*others, collection.id)
        scope = ConversationScope("collections", ids) if ids else ConversationScope()
        action.triggered.connect(lambda: self.scope_chosen.emit(scope))
        self._menu.addAction(action)
