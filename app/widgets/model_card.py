"""One model of the catalogue, or one file on this disk: what it is, how it would run here, what to press."""

from dataclasses import replace

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame

from app import figures, icons, parts
from app.language import Retranslated, say, sentences
from app.picture import Work
from app.shelves import OURS, RUNS, CardState
from app.theme import SPACE
from app.widgets import origins, runs, verdict
from app.widgets.elided import ElidedLabel
from app.widgets.model_details import ModelDetails
from app.widgets.working import WorkingRow
from backends.models.types import LocalModel

FEW = 2  # warnings on a card; the gravest are the first, and the tool tip has all


class ModelCard(Retranslated, QFrame):
    """Draws only what has changed since the last state."""

    download_requested = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    details_requested = Signal(object, bool)  # LocalModel, open
    verify_requested = Signal(object)
    repair_requested = Signal(object)
    update_requested = Signal(object)
    plan_smaller_requested = Signal(object, str)  # LocalModel, quant
    make_smaller_requested = Signal(object, str)
    use_requested = Signal(object)
    adapter_scaled = Signal(object, object, float)  # LocalModel, LocalAdapter, scale
    adapter_removed = Signal(object)
    adapter_chosen = Signal(object, str)  # LocalModel, path
    cancel_work_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._state = CardState()
        self._name = ElidedLabel("strong", mode=Qt.TextElideMode.ElideMiddle)
        self._verdict = parts.label(role="pill")
        self._recommended = parts.label(role="pill", tone="accent")
        self._in_use = parts.label(role="pill", tone="accent")
        self._summary = parts.label(tone="muted", wrap=True)
        self._path = ElidedLabel("caption", "muted", mode=Qt.TextElideMode.ElideMiddle)
        self._figures = parts.label(role="caption", tone="muted", wrap=True)
        self._note = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._warning = parts.label(role="caption", tone="warning", wrap=True, select=True)
        self._runs = parts.label(role="caption", wrap=True, select=True)
        self._doubt = parts.label(role="caption", tone="warning", wrap=True, select=True)
        self._remove = parts.icon_button("trash-2")
        self._download = parts.button(kind="secondary", icon="download")
        self._load = parts.button(kind="secondary", icon="play")
        self._unload = parts.button(kind="secondary")
        self._more = parts.icon_button("chevron-down", size=16)
        self._working = WorkingRow()
        self.details = ModelDetails()
        self._connect()
        self._arrange()
        self.retranslate()

    def _connect(self) -> None:
        self._download.clicked.connect(self._on_download)
        self._load.clicked.connect(self._on_load)
        self._unload.clicked.connect(self.unload_requested)
        self._remove.clicked.connect(self._on_remove)
        self._more.clicked.connect(self._on_more)
        self._working.cancel_requested.connect(self._on_cancel)
        details = self.details
        details.verify_requested.connect(lambda: self.verify_requested.emit(self._state.local))
        details.repair_requested.connect(lambda: self.repair_requested.emit(self._state.local))
        details.update_requested.connect(lambda: self.update_requested.emit(self._state.local))
        details.plan_smaller_requested.connect(lambda q: self.plan_smaller_requested.emit(self._state.local, q))
        details.make_smaller_requested.connect(lambda q: self.make_smaller_requested.emit(self._state.local, q))
        details.use_requested.connect(self.use_requested)
        details.adapter_scaled.connect(lambda a, scale: self.adapter_scaled.emit(self._state.local, a, scale))
        details.adapter_removed.connect(self.adapter_removed)
        details.adapter_chosen.connect(lambda path: self.adapter_chosen.emit(self._state.local, path))

    def _arrange(self) -> None:
        title = parts.row(self._name, self._verdict, self._recommended, self._in_use, None)
        words = parts.column(
            title, self._summary, self._path, self._figures, self._note, self._warning, self._runs, self._doubt,
            space=SPACE.xs,
        )  # fmt: skip
        title.setContentsMargins(0, 0, 0, SPACE.xs // 2)
        buttons = parts.row(self._remove, self._unload, self._load, self._download, self._more, space=SPACE.xs)
        top = parts.row(words, parts.column(buttons, None, space=0), space=SPACE.l)
        top.setStretch(0, 1)
        self._working.setContentsMargins(0, SPACE.xs, 0, 0)
        self.setLayout(
            parts.column(
                top,
                self._working,
                self.details,
                space=SPACE.s,
                margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m),
            )
        )

    @property
    def state(self) -> CardState:
        return self._state

    def show_state(self, state: CardState) -> None:
        if state == self._state:
            return
        before, self._state = self._state, state
        if _only_moved(before, state, "loading") or _only_moved(before, state, "work"):
            self._draw_loading()
        else:
            self._draw()

    def retranslate(self) -> None:
        self._recommended.setText(self.tr("Recommended"))
        self._in_use.setText(self.tr("In use"))
        self._download.setText(self.tr("Download"))
        self._load.setText(self.tr("Load"))
        self._unload.setText(self.tr("Unload"))
        self._draw()

    # ---- drawing

    def _draw(self) -> None:
        state = self._state
        self._name.setText(state.name)
        self._recommended.setVisible(state.recommended)
        self._in_use.setVisible(state.loaded is not None)
        self._draw_words()
        self._draw_verdict()
        self._draw_buttons()
        self._draw_loading()

    def _draw_words(self) -> None:
        choice, local = self._state.choice, self._state.local
        problem = say(local.problem) if local else ""
        summary = say(choice.model.summary) if choice else ""
        path = str(local.path) if local and local.origin not in OURS else ""
        note = problem or (say(choice.note) if choice else "")
        plan = self._state.details.plan if self._state.details else None
        origin = origins.words(local.origin) if local else ""
        self._figures.setText(verdict.figures_line(choice, plan, origin) if choice else self._file_line(local, origin))
        warnings = choice.warnings if choice and choice.verdict in RUNS else ()
        lines = (
            (self._summary, summary), (self._path, path), (self._note, note), (self._warning, sentences(warnings[:FEW]))
        )  # fmt: skip
        for label, text in lines:
            label.setText(text)
            label.setVisible(bool(text))
        self._warning.setToolTip(parts.tip(sentences(warnings)) if len(warnings) > FEW else "")
        parts.set_look(self._note, tone="danger" if problem else "muted")
        loaded = self._state.loaded
        self._runs.setText(runs.where(loaded) if loaded else "")
        self._runs.setVisible(loaded is not None)
        doubt = runs.doubt(loaded, choice, has_gpu=self._state.has_gpu) if loaded else lacking(self._state.disk_lacks)
        self._doubt.setText(doubt)
        self._doubt.setVisible(bool(doubt))

    def _file_line(self, model: LocalModel | None, origin: str) -> str:
        if model is None:
            return ""
        context = self.tr("context up to %1").replace("%1", figures.tokens(model.context_train))
        return figures.line(
            model.quant,
            figures.file_size(model.size),
            model.architecture,
            context if model.context_train else "",
            model.source,
            origin,
        )

    def _draw_verdict(self) -> None:
        state = self._state
        if state.local is not None and state.local.problem.en:
            text, tone = self.tr("Cannot be loaded"), "danger"
        elif state.choice is not None and state.loaded is None and state.loading is None:
            text, tone = verdict.word(state.choice.verdict), verdict.TONES[state.choice.verdict]
        else:
            text, tone = "", ""
        self._verdict.setText(text)
        self._verdict.setVisible(bool(text))
        parts.set_look(self._verdict, tone=tone)

    def _draw_buttons(self) -> None:
        state = self._state
        here = state.local is not None
        idle = here and state.loading is None and state.loaded is None and state.work is None
        runs_here = state.choice is not None and state.choice.verdict in RUNS
        self._download.setVisible(not here and runs_here)
        chats = state.local is not None and state.local.kind == "chat" and not state.local.problem.en
        self._load.setVisible(idle and chats)
        self._unload.setVisible(state.loaded is not None)
        self._remove.setVisible(idle)
        forget = self.tr("Take it off the list (the file stays)")
        words = forget if state.removal == "forget" else self.tr("Delete it from this computer")
        self._remove.setIcon(icons.icon("x" if state.removal == "forget" else "trash-2", "muted"))
        parts.name_button(self._remove, words)
        for button in (self._download, self._load, self._unload):
            button.setAccessibleName(f"{button.text()}: {state.name}")
        is_open = state.details is not None
        self._more.setVisible(here and state.local is not None and not state.local.problem.en)
        self._more.setIcon(icons.icon("chevron-up" if is_open else "chevron-down", "muted"))
        parts.name_button(self._more, self.tr("Hide the details") if is_open else self.tr("Details"))
        self.details.setVisible(is_open)
        self.details.show_details(
            state.details, updatable=state.local is not None and state.local.origin == "downloaded"
        )
        self.details.set_busy(state.work is not None)
        for button in (self._remove, self._more):
            button.setAccessibleName(f"{button.toolTip()}: {state.name}")

    def _draw_loading(self) -> None:
        fraction, work = self._state.loading, self._state.work
        self._working.setVisible(fraction is not None or work is not None)
        if fraction is not None:
            words = self.tr("Trying it for the first time") if self._state.trying else self.tr("Loading")
            self._working.show_work(words, fraction, cancel=True)
        elif work is not None:
            self._working.show_work(self._work_words(work), work.fraction, cancel=True)

    def _work_words(self, work: Work) -> str:
        words = {
            "verify": self.tr("Verifying that every byte is right"),
            "repair": self.tr("Fetching what is damaged"),
            "quantise": self.tr("Making a smaller version"),
            "copy": self.tr("Copying"),
        }[work.kind]
        if work.seconds_left is None:
            return words
        return figures.line(words, self.tr("%1 left").replace("%1", figures.duration(work.seconds_left)))

    # ---- buttons

    @Slot()
    def _on_download(self) -> None:
        self.download_requested.emit(self._state.ref)

    @Slot()
    def _on_load(self) -> None:
        self.load_requested.emit(self._state.local)

    @Slot()
    def _on_more(self) -> None:
        self.details_requested.emit(self._state.local, self._state.details is None)

    @Slot()
    def _on_cancel(self) -> None:
        work = self._state.work
        if self._state.loading is None and work is not None:
            self.cancel_work_requested.emit(work.key)
        else:
            self.cancel_load_requested.emit()

    @Slot()
    def _on_remove(self) -> None:
        """Without a question: it can be undone."""
        if self._state.local is not None:
            self.remove_requested.emit(self._state.local)


def _only_moved(before: CardState, state: CardState, name: str) -> bool:
    """Whether nothing but `name`, which is there before and after, is different."""
    there = getattr(before, name) is not None and getattr(state, name) is not None
    return there and replace(before, **{name: getattr(state, name)}) == state


def lacking(size: int) -> str:
    """Said before somebody presses Download on a disk that is too full."""
    words = QCoreApplication.translate("disk", "The disk lacks %1 for it.")
    return words.replace("%1", figures.file_size(size)) if size > 0 else ""
