"""The page of all models with everything behind it: the real controllers and services, wired as in the window."""

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.bridge import Pump
from app.controllers.models import ModelsController
from app.controllers.settings import SettingsController
from app.notices import NoticeBoard
from app.picture import Details, Download, Listing, Picture, Search
from app.widgets.model_card import ModelCard
from app.widgets.models_page import ModelsPage
from app.wiring_models import connect_models, connect_shelves
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.models.types import LocalModel
from backends.services import Services
from tests.kit import looks

LONG = 60_000  # milliseconds


class Desk:
    """`endpoint`: the hub that the settings name. What is on the board and on the page is read and pressed by its
    words."""

    def __init__(self, qtbot: QtBot, paths: Paths, endpoint: str) -> None:
        self.qtbot = qtbot
        self.paths = paths
        self.board = NoticeBoard()
        qtbot.addWidget(self.board)
        self.board.resize(900, 400)  # as in a window: there is room for the buttons of a notice
        self.board.show()
        self._open()
        self.services.settings.set("network.endpoint", endpoint)

    def _open(self) -> None:
        self.services = Services.open(self.paths)
        self.services.secrets = Secrets(candidates=())  # the keyring of whoever runs this is none of our business
        self.pump = Pump(self.board.post_error)
        self.controller = ModelsController(self.services, self.pump, self.board)
        self.settings = SettingsController(self.services)
        self.page = ModelsPage()
        self.qtbot.addWidget(self.page)
        connect_models(self.page, self.controller, self.settings)
        connect_shelves(self.page, self.controller, self.settings)
        self.settings.refused.connect(self.page.show_refused)
        self.controller.picture_changed.connect(lambda: self.page.show_picture(self.controller.picture))
        self.page.show_picture(self.controller.picture)
        self.pump.follow(self.services.changes(), self.controller.on_changes)
        looks.show(self.page, 900)

    def close(self) -> None:
        self.pump.close()
        self.controller.close()
        self.services.close()

    def restart(self) -> None:
        """End the program and start it again."""
        self.close()
        self._open()
        self.controller.start()

    # ---- what there is

    @property
    def picture(self) -> Picture:
        return self.controller.picture

    @property
    def download(self) -> Download | None:
        return self.picture.downloads[0] if self.picture.downloads else None

    @property
    def local(self) -> list[LocalModel]:
        return list(self.picture.local or ())

    @property
    def search(self) -> Search:
        return self.picture.search

    def listing(self, repo: str) -> Listing:
        listing = self.search.listing(repo)
        assert listing is not None
        return listing

    def card(self, model: LocalModel) -> ModelCard:
        """The card of a file on the disk."""
        cards = {**self.page.here.cards, **self.page.documents.cards}
        return cards[str(model.path)]

    def details(self, model: LocalModel) -> Details:
        return next(details for details in self.picture.details if details.path == model.path)

    # ---- waiting for it

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=LONG)

    def until_state(self, state: str) -> Download:
        self.until(lambda: self.download is not None and self.download.state == state)
        assert self.download is not None
        return self.download

    def until_loaded(self) -> None:
        self.until(lambda: self.picture.loaded is not None and self.picture.loading is None)

    def sees(self, *texts: str) -> None:
        """On the page."""
        self.until(lambda: all(text in looks.texts(self.page) for text in texts))

    def is_told(self, *texts: str) -> None:
        """By a notice."""
        self.until(lambda: all(text in looks.texts(self.board) for text in texts))

    # ---- what a person does

    def press(self, button: str) -> None:
        """On a notice."""
        self.until(lambda: button in looks.texts(self.board).splitlines())
        looks.button(self.board, button).click()

    def presses(self, name: str) -> None:
        """On the page."""
        self.until(lambda: name in looks.names(self.page))
        looks.button(self.page, name).click()

    def types(self, text: str) -> None:
        """Into the box for finding, and Enter."""
        self.page.find_box.setText(text)
        self.page.find_box.returnPressed.emit()

    def takes_in(self, path: Path) -> LocalModel:
        """A file of one's own, which is loaded."""
        self.page.file_chosen.emit(str(path))
        self.until(lambda: self.picture.loaded is not None and self.picture.loaded.path == path)
        return next(model for model in self.local if model.path == path)

    def opens(self, model: LocalModel) -> Details:
        """Its card, until the plan is there."""
        looks.button(self.page, f"Details: {model.name}").click()
        self.until(lambda: self.picture.details and self.details(model).plan is not None)
        self.until(lambda: self.details(model).versions)
        return self.details(model)
