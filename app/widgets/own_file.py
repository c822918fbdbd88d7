"""'I have a file': a button that asks for a GGUF of the person's own, or for a folder with several."""

from PySide6.QtCore import QSize, QStandardPaths, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QPushButton

from app import icons, parts
from app.language import Retranslated


class OwnFileButton(Retranslated, QPushButton):
    file_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "secondary")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIcon(icons.icon("folder-open", "muted"))
        self.setIconSize(QSize(20, 16))
        self.file, self.folder = QAction(self), QAction(self)
        self.file.triggered.connect(self._on_file)
        self.folder.triggered.connect(self._on_folder)
        menu = parts.menu(self)
        menu.addActions([self.file, self.folder])
        self.setMenu(menu)
        self.retranslate()

    def retranslate(self) -> None:
        self.setText(self.tr("I have a file…"))
        self.setToolTip(self.tr("Use GGUF files that are on this computer already; they stay where they are"))
        self.setAccessibleName(self.tr("I have a model file"))
        self.file.setText(self.tr("A model file…"))
        self.folder.setText(self.tr("A folder, or another program's models…"))

    @Slot()
    def _on_file(self) -> None:
        dialog = self._dialog(self.tr("Choose a model file"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.open()

    @Slot()
    def _on_folder(self) -> None:
        dialog = self._dialog(self.tr("Choose a folder with models"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = QFileDialog(self.window(), title, folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.file_chosen)
        return dialog
