"""What is on the page of the monitor about this moment: a card for each graphics card, one for the processor, for the
memory, for disk and network, and one for the engine."""

from PySide6.QtWidgets import QFrame

from app import figures, monitor_words, parts
from app.language import Retranslated
from app.monitor_picture import MonitorPicture
from app.theme import SPACE
from app.widgets.elided import ElidedLabel
from app.widgets.monitor_bars import CoreBars, Figures, Meter, Part
from backends.hardware.samples import GpuSample, HardwareSample
from backends.monitor.types import Sample


class MonitorCard(QFrame):
    """A title with an icon, words about a state beside it, and what is put into `body`."""

    def __init__(self, icon: str) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self.title = ElidedLabel(role="strong", steady=True)
        self.pills = [parts.label(role="pill") for _ in range(2)]
        head = parts.row(parts.picture(icon), self.title, *self.pills)
        head.setStretch(1, 1)
        self.body = parts.column(space=SPACE.m)
        self.setLayout(parts.column(head, self.body, None, space=SPACE.m, margin=SPACE.l))
        self.show_pills()

    def show_pills(self, *pills: tuple[str, str]) -> None:
        """`(words, tone)`; without words none."""
        told = [pill for pill in pills if pill[0]]
        for n, label in enumerate(self.pills):
            label.setVisible(n < len(told))
            if n < len(told):
                label.setText(told[n][0])
                parts.set_look(label, tone=told[n][1])


class GpuCard(Retranslated, MonitorCard):
    """How busy a graphics card is, who has its memory, how hot it is, and what slows it down."""

    def __init__(self) -> None:
        super().__init__("gpu")
        self._card: GpuSample | None = None
        self._sentence = parts.label(role="caption", tone="muted", wrap=True)
        self.use = Meter()
        self.memory = Meter(legend=True)
        self.figures = Figures()
        for item in (self._sentence, self.use, self.memory, self.figures):
            self.body.addWidget(item)

    def retranslate(self) -> None:
        if self._card is not None:
            self.show_card(self._card, self.title.text())

    def show_card(self, card: GpuSample, name: str) -> None:
        """`name`: one that no other card has."""
        self._card = card
        self.title.setText(name)
        slow = monitor_words.throttles(card.throttles or ())
        self.show_pills(monitor_words.state_pill(card.state), (slow, "warning"))
        self._sentence.setText(monitor_words.state_sentence(card.state))
        self._sentence.setVisible(bool(self._sentence.text()))
        self.use.setVisible(card.use is not None)
        if card.use is not None:
            self.use.show_parts(self.tr("In use"), figures.percent(card.use), [Part(card.use)])
        self._show_memory(card)
        form = monitor_words.with_limit
        told = [
            (self.tr("Temperature"), "" if card.temperature is None else figures.temperature(card.temperature)),
            (self.tr("Power"), "" if card.power is None else form(card.power, card.power_limit, figures.power)),
            (self.tr("Clock"), "" if card.clock is None else form(card.clock, card.clock_limit, figures.clock)),
            (self.tr("Memory clock"), "" if card.memory_clock is None else figures.clock(card.memory_clock)),
            (self.tr("Memory bus in use"), "" if card.memory_use is None else figures.percent(card.memory_use)),
            (self.tr("Fan"), "" if card.fan is None else figures.percent(card.fan)),
            (self.tr("PCIe"), monitor_words.pcie(card)),
            (self.tr("To the card"), "" if card.pcie_received is None else figures.speed(card.pcie_received)),
            (self.tr("From the card"), "" if card.pcie_sent is None else figures.speed(card.pcie_sent)),
        ]
        self.figures.show_figures(told)

    def _show_memory(self, card: GpuSample) -> None:
        total, used = card.memory_total, card.memory_used
        self.memory.setVisible(bool(total))
        if not total:
            return
        title = self.tr("Memory, shared with the processor") if card.unified else self.tr("Graphics memory")
        if used is None:
            self.memory.show_parts(title, figures.memory_size(total), [])
            return
        own, others = card.memory_own, card.memory_others
        shown = [Part(used / total, "frame", self._sized(self.tr("Used %1"), used))]
        if own is not None and others is not None:
            shown = [
                Part(own / total, "accent", self._sized(self.tr("This program %1"), own)),
                Part(others / total, "frame", self._sized(self.tr("Others %1"), others)),
            ]
        free = Part(1 - used / total, "line", self._sized(self.tr("Free %1"), max(0, total - used)))
        self.memory.show_parts(title, monitor_words.memory_of(used, total), [*shown, free])

    @staticmethod
    def _sized(words: str, size: int) -> str:
        return words.replace("%1", figures.memory_size(size))


class ProcessorCard(Retranslated, MonitorCard):
    def __init__(self) -> None:
        super().__init__("cpu")
        self._sample: HardwareSample | None = None
        self.use = Meter()
        self.cores = CoreBars()
        self.figures = Figures()
        for item in (self.use, self.cores, self.figures):
            self.body.addWidget(item)
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Processor"))
        if self._sample is not None:
            self.show_sample(self._sample)

    def show_sample(self, sample: HardwareSample) -> None:
        self._sample = sample
        system = sample.system
        slow = self.tr("Slowed down: heat or power") if system.cpu_throttled else ""
        battery = self.tr("On battery") if system.on_battery else ""
        self.show_pills((slow, "warning"), (battery, ""))
        self.use.setVisible(system.cpu is not None)
        if system.cpu is not None:
            self.use.show_parts(self.tr("In use"), figures.percent(system.cpu), [Part(system.cpu)])
        self.cores.setVisible(bool(system.cores))
        busy = ", ".join(figures.percent(core) for core in system.cores)
        self.cores.show_cores(system.cores, self.tr("Each core: %1").replace("%1", busy))
        form = monitor_words.with_limit
        told = [
            (self.tr("By this program"), "" if system.cpu_own is None else monitor_words.cores(system.cpu_own)),
            (
                self.tr("Clock"),
                "" if system.cpu_clock is None else form(system.cpu_clock, system.cpu_clock_limit, figures.clock),
            ),
            (
                self.tr("Temperature"),
                "" if system.cpu_temperature is None else figures.temperature(system.cpu_temperature),
            ),
        ]
        self.figures.show_figures(told)


class MemoryCard(Retranslated, MonitorCard):
    def __init__(self) -> None:
        super().__init__("memory-stick")
        self._sample: HardwareSample | None = None
        self.memory = Meter(legend=True)
        self.swap = Meter()
        self.figures = Figures()
        for item in (self.memory, self.swap, self.figures):
            self.body.addWidget(item)
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Memory"))
        if self._sample is not None:
            self.show_sample(self._sample)

    def show_sample(self, sample: HardwareSample) -> None:
        self._sample = sample
        system = sample.system
        total, available, own = system.memory_total, system.memory_available, system.memory_own
        self.memory.setVisible(bool(total and available is not None))
        if total and available is not None:
            used = max(0, total - available)
            others = max(0, used - own) if own is not None else used
            shown = [Part(others / total, "frame", self.tr("Others %1").replace("%1", figures.memory_size(others)))]
            if own is not None:
                words = self.tr("This program %1").replace("%1", figures.memory_size(own))
                shown.insert(0, Part(min(own, used) / total, "accent", words))
            free = Part(available / total, "line", self.tr("Free %1").replace("%1", figures.memory_size(available)))
            self.memory.show_parts(self.tr("In use"), monitor_words.memory_of(used, total), [*shown, free])
        swap = system.swap_total
        self.swap.setVisible(bool(swap and system.swap_used is not None))
        if swap and system.swap_used is not None:
            value = monitor_words.memory_of(system.swap_used, swap)
            self.swap.show_parts(self.tr("Swap, on the disk"), value, [Part(system.swap_used / swap, "warning")])
        swapping = bool(system.swapped_in or system.swapped_out)
        self.show_pills((self.tr("Swapping") if swapping else "", "warning"))
        moved = monitor_words.there_and_back(system.swapped_in, system.swapped_out) if swapping else ""
        self.figures.show_figures([(self.tr("From and to the disk"), moved)])


class TransferCard(Retranslated, MonitorCard):
    """Disk and network, of this program."""

    def __init__(self) -> None:
        super().__init__("hard-drive")
        self._sample: Sample | None = None
        self.space = Meter()
        self.figures = Figures(width=104)
        for item in (self.figures, self.space):
            self.body.addWidget(item)
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Disk and network, of this program"))
        if self._sample is not None:
            self.show_sample(self._sample)

    def show_sample(self, sample: Sample) -> None:
        self._sample = sample
        system, traffic = sample.hardware.system, sample.traffic
        told = [
            (self.tr("Read"), "" if system.disk_read is None else figures.speed(system.disk_read)),
            (self.tr("Written"), "" if system.disk_written is None else figures.speed(system.disk_written)),
            (self.tr("From the net"), figures.speed(traffic.received)),
            (self.tr("To the net"), figures.speed(traffic.sent)),
            (self.tr("From programs"), "" if traffic.api_received is None else figures.speed(traffic.api_received)),
            (self.tr("To programs"), "" if traffic.api_sent is None else figures.speed(traffic.api_sent)),
        ]
        self.figures.show_figures(told)
        total, free = system.disk_total, system.disk_free
        self.space.setVisible(bool(total and free is not None))
        if total and free is not None:
            words = self.tr("%1 free").replace("%1", figures.file_size(free))
            self.space.show_parts(self.tr("Disk of the models"), words, [Part(1 - free / total, "frame")])


class EngineCard(Retranslated, MonitorCard):
    """The model that answers: how fast it reads and writes, for how many, and how full its context is."""

    def __init__(self) -> None:
        super().__init__("package")
        self._picture: MonitorPicture | None = None
        self.figures = Figures(width=128)
        self.context = Meter()
        for item in (self.figures, self.context):
            self.body.addWidget(item)
        self.retranslate()

    def retranslate(self) -> None:
        if self._picture is not None:
            self.show_picture(self._picture)

    def show_picture(self, picture: MonitorPicture) -> None:
        self._picture = picture
        engine, last = picture.engine, picture.last
        if engine is None or engine.model is None:
            return
        self.title.setText(picture.model or engine.model)
        self.context.setVisible(bool(engine.kv_total))
        running, waiting = engine.running, engine.waiting
        one, many = self.tr("1 answer"), self.tr("%1 answers")
        working = one if running == 1 else many.replace("%1", str(running))
        self.show_pills(
            (working if running else self.tr("Idle"), "accent" if running else ""),
            (self.tr("%1 waiting").replace("%1", str(waiting)) if waiting else "", "warning"),
        )
        none = "–"
        told = [
            (self.tr("Writes"), none if engine.decode is None else figures.rate(engine.decode)),
            (self.tr("Reads"), none if last.prefill is None else figures.rate(last.prefill)),
            (self.tr("First token after"), none if last.first_token is None else figures.moment(last.first_token)),
            (self.tr("Known from before"), none if last.cache_hits is None else figures.percent(last.cache_hits)),
        ]
        self.figures.show_figures(told)
        if engine.kv_total:
            value = monitor_words.of(
                figures.number(engine.kv_used), self.tr("%1 tokens").replace("%1", figures.number(engine.kv_total))
            )
            self.context.show_parts(self.tr("Context in use"), value, [Part(engine.kv_used / engine.kv_total)])


class NoGpuCard(Retranslated, MonitorCard):
    def __init__(self) -> None:
        super().__init__("gpu")
        self._sentence = parts.label(role="caption", tone="muted", wrap=True)
        self.body.addWidget(self._sentence)
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("No graphics card"))
        self._sentence.setText(self.tr("None was found whose figures can be read. Models run on the processor."))
