"""Services: the one composition root. Builds every room, marries them where one needs another, closes everything.

    with Services.open(Paths.find()) as services:
        for event in services.downloads.pull("r1-0528-qwen3-8b"): ...
        model = services.library.find("r1-0528-qwen3-8b:Q4_K_M")
        for event in services.loading.load(model): ...

    foundation  what every part stands on, and who is told of changes
    connections what has left this machine, or was refused
    machine     probing, advice, plans
    hubs        where models come from, and what they have
    downloads   downloads that run and wait
    shelf       the models on this disk
    loading     the model that answers
    quantising  smaller quants made here
    embedding   vectors of texts, and passages put in order
    benching    how fast a model is here
    warmth      what is kept on the disk of what was read
    documents   files taken in, found again, deleted
    api         the localhost API: on and off, keys, log
    grounding   which documents the answers of a conversation are made from
    answering   each conversation by its own model, in its own manner
    presets     such manners, kept as files
    fitting     what will not fit, before a question is sent
    doctor      what is wrong with this machine, and the repair
    titles      what the model calls a conversation
    conversations  copied, and erased wherever anything of them is kept
    monitoring  what machine and engine do, now and before
    holding     what holds the loaded model back, and what helps
    exporting   conversations as files, on the clipboard, and back

Everything slow is a Stream. Whoever opens Services owns the data folder (see `core.owner`).
"""

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from backends.chat.answer import AnswerEvent
from backends.chat.presets import Presets
from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal
from backends.core.errors import StorageError
from backends.core.heap import few_heaps
from backends.core.network import Network, NetworkOptions
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.secrets import Secrets
from backends.core.settings import Settings, SettingsStore
from backends.core.stream import Runner, Stream
from backends.core.turns import Turns
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadEvent
from backends.models import elsewhere
from backends.models.catalog import Catalog
from backends.models.elsewhere import Found
from backends.models.experience import Experience
from backends.models.library import Library
from backends.services.answering import AnswerServices
from backends.services.api import ApiServices
from backends.services.benching import BenchServices
from backends.services.connections import ConnectionServices
from backends.services.conversations import ConversationServices
from backends.services.doctor import DoctorServices
from backends.services.documents import DocumentServices
from backends.services.downloads import DownloadServices
from backends.services.embedding import EmbeddingServices
from backends.services.exporting import ExportServices
from backends.services.fitting import FittingServices
from backends.services.foundation import Change, Foundation, engine_version, folder_of_models
from backends.services.grounding import GroundingServices
from backends.services.holding import HoldingServices
from backends.services.hubs import HubServices
from backends.services.judging import JudgingServices
from backends.services.loading import LoadingServices
from backends.services.machine import MachineServices
from backends.services.monitoring import MonitorServices
from backends.services.quantising import QuantiseServices
from backends.services.searching import ChatTranslator, LibraryEmbedder, LibraryReranker
from backends.services.serving import ServingDesk
from backends.services.serving_documents import ServingDocuments
from backends.services.shelf import ShelfServices
from backends.services.titles import TitleServices
from backends.services.warmth import WarmthServices
from backends.storage.database import Database

__all__ = ["Change", "Services"]

log = logging.getLogger(__name__)

BACKUP_HOURS = 24


class Services:
    """Every room of one running DeskSeek. Made by `open`; one a process."""

    def __init__(self, paths: Paths, journal: CrashJournal, settings: SettingsStore) -> None:
        self.paths = paths
        self.journal = journal
        self.settings = settings
        self.network = Network(_network_options(settings.current), paths.state / "connections.log")
        self.catalog = Catalog.load()
        self.library = Library(
            folder_of_models(paths, settings), self.catalog, paths.data / "library.json", self._models_of_others
        )
        self.engine = NativeEngine(journal)
        self.experience = Experience(paths.data / "experience.json", engine_version())
        self._base = Foundation(
            paths, settings, Secrets(), self.network, self.catalog, self.library, self.engine, self.experience
        )
        self.connections = ConnectionServices(self._base)
        self._files = Runner("files")
        self.hubs = HubServices(self._base)
        self.machine = MachineServices(self._base, self.hubs)
        self.judging = JudgingServices(self._base, self.hubs, self.machine)
        self.downloads = DownloadServices(self._base, self.machine, self.hubs)
        self.embedding = EmbeddingServices(self._base, self.machine, journal)
        self.loading = LoadingServices(self._base, self.machine, self.embedding)
        self.shelf = ShelfServices(self._base, self._files, self.hubs, self.loading)
        self.quantising = QuantiseServices(self._base, self.machine)
        self.benching = BenchServices(self._base, self.loading)
        self.warmth = WarmthServices(self._base)
        self.database = Database(paths.data / "chats.db", MIGRATIONS)
        self.chats = ChatStore(self.database)
        self.documents = DocumentServices(
            self._base,
            self.warmth,
            embedder=LibraryEmbedder(self.embedding),
            reranker=LibraryReranker(self.embedding),
            translator=ChatTranslator(self.engine),
        )
        self.grounding = GroundingServices(self.chats, self.documents)
        self.conversations = ConversationServices(self.chats, self.database, self.warmth, self.grounding)
        self.exporting = ExportServices(self._base, self.database, self.chats)
        self.turns = Turns()  # of those who load a model and ask it: nobody loads another one in between
        desk = ServingDesk(self._base, self.loading, self.embedding, self.turns)
        desk.documents = ServingDocuments(self.documents, desk, self.chats.sourced.secret)
        self.api = ApiServices(self._base, desk)
        self.titles = TitleServices(self._base, self.chats)
        self.answering = AnswerServices(self._base, self.chats, self.loading, self.grounding, self.turns, self.titles)
        self.fitting = FittingServices(self.engine, self.chats, self.grounding, self.answering)
        self.presets = Presets(paths.config / "presets")
        self.doctor = DoctorServices(self._base)
        self.monitoring = MonitorServices(
            self._base,
            (self.downloads.running, self.documents.running, self.quantising.running),
            served=self.api.traffic,
        )
        self.holding = HoldingServices(self._base, self.machine, self.loading, self.monitoring)
        settings.subscribe(self._on_settings)
        self._files.start(self._back_up)
        self.shelf.tidy()

    @classmethod
    def open(
        cls, paths: Paths, *, journal: CrashJournal | None = None, settings: SettingsStore | None = None
    ) -> "Services":
        """Open everything. The engine's library is loaded only when something needs it.

        `settings`: those that were read already; only their first reader knows what was wrong with the file.
        The working directory becomes the data folder (SEC-28: no library is ever found in a folder of documents).
        Raises StorageError if the folders or databases cannot be used.
        """
        few_heaps()
        paths.make()
        os.chdir(paths.data)
        settings = settings or SettingsStore(paths.config / "settings.json")
        return cls(paths, journal or CrashJournal(paths.state), settings)

    def __enter__(self) -> "Services":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what runs, join the threads, free the model on its thread, close the database."""
        self.holding.close()
        self.monitoring.close()
        self.doctor.close()
        self.downloads.close()
        self.quantising.close()
        self.hubs.close()
        self.benching.close()
        self.fitting.close()
        self.titles.close()
        self.answering.close()
        self.exporting.close()
        self.conversations.close()
        self.api.close()
        self.documents.close()
        self.loading.close()
        self.embedding.close()
        self.warmth.close()
        self.engine.close()
        self.shelf.close()
        self._files.close()
        self.judging.close()
        self.machine.close()
        self.network.close()
        self.connections.close()
        self.database.close()

    def _back_up(self, *, cancel: CancelToken) -> Iterator[None]:
        """A copy of the conversations once a day, from which a damaged database is restored."""
        try:
            self.database.backup_if_older(BACKUP_HOURS)
        except StorageError as error:
            log.warning("no copy of the conversations was made: %s", error)
        yield None

    @property
    def secrets(self) -> Secrets:
        return self._base.secrets

    @secrets.setter
    def secrets(self, secrets: Secrets) -> None:
        self._base.secrets = secrets

    @property
    def notices(self) -> Sequence[Phrase]:
        """What went wrong while opening and was mended: shown once."""
        learnt = [self.experience.notice] if self.experience.notice.en else []
        return [*self.settings.notices, *self.database.notices, *self.library.notices, *learnt]

    def changes(self) -> Stream[Change]:
        """Says what has changed, whoever changed it (the window, a command in this process), until it is cancelled."""
        return self._base.changes()

    def _models_of_others(self) -> Iterable[Found]:
        home = self.paths.home
        if home is None or not self.settings.current.models.find_others:
            return ()
        return elsewhere.find(elsewhere.Places.of(home, os.environ, sys.platform))

    def _on_settings(self, settings: Settings) -> None:
        self.network.configure(_network_options(settings))
        if not settings.network.offline:
            self.downloads.go_online()
        self.shelf.on_settings()
        self.warmth.on_settings(settings)
        self.loading.on_settings()
        self.api.on_settings(settings)
        self._base.changed("settings")

    @property
    def models_folder(self) -> Path:
        return self._base.models_folder

    # ---- answers

    def regenerate(
        self, conversation_id: int, message_id: int, without: frozenset[str] = frozenset()
    ) -> Stream[AnswerEvent | LoadEvent]:
        """See `AnswerServices.regenerate`."""
        return self.answering.regenerate(conversation_id, message_id, without)

    def go_on(self, conversation_id: int, message_id: int) -> Stream[AnswerEvent | LoadEvent]:
        """See `AnswerServices.go_on`."""
        return self.answering.go_on(conversation_id, message_id)


def _network_options(settings: Settings) -> NetworkOptions:
    network = settings.network
    return NetworkOptions(proxy=network.proxy, ca_file=network.ca_file, offline=network.offline)
