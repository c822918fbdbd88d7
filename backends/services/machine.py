"""The machine and what suits it: probing, advice, plans."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import DownloadError, InvalidInput, NotFound, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.dry_run import NativeDryRun
from backends.engine.loader import engine_info
from backends.engine.protocol import LONGEST_DRAFT, MOST_SEQUENCES, EngineInfo
from backends.hardware import memory
from backends.hardware.probe import probe
from backends.hardware.types import Machine
from backends.models import advisor, gguf, links
from backends.models.advisor import Budget, Wish
from backends.models.budget import margins
from backends.models.companions import Companions, companions
from backends.models.cut_off import header_of_cut_off
from backends.models.links import Ref
from backends.models.listing import choose
from backends.models.machines import Figures
from backends.models.planner import Asked, Planner
from backends.models.remote_header import RemoteHeader, fetch, fetch_link
from backends.models.seen import file_of
from backends.models.sources import Source
from backends.models.types import KINDS, Advice, CatalogModel, Choice, LocalModel, Plan, Slots
from backends.models.weights import Weights
from backends.services.foundation import Foundation
from backends.services.hubs import HubServices, first_answer


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What is being done for a plan, for who waits."""

    doing: Phrase


class MachineServices:
    """Its threads: `probe` and `plan`, and a child process of the engine while plans are made."""

    def __init__(self, foundation: Foundation, hubs: HubServices) -> None:
        self._base = foundation
        self._hubs = hubs
        self._runner = Runner("probe")
        self._plans = Runner("plan", threads=2)
        self._dry_run = NativeDryRun()
        self.planner = Planner(self._dry_run, Figures.load(), foundation.experience)

    def close(self) -> None:
        self._plans.close()
        self._runner.close()
        self._dry_run.close()

    def probe(self) -> Stream[Machine]:
        """What this machine has, as far as the engine can use it. One event."""
        return self._runner.start(self.look)

    def look(self, *, cancel: CancelToken) -> Iterator[Machine]:
        """`probe`, on the calling thread."""
        for machine in probe(self._base.models_folder, cancel=cancel):
            yield _usable(machine, engine_info()) if machine.gpus else machine

    def budget(self, machine: Machine) -> Budget:
        """What this machine can give to a model, what the loaded one would give back included."""
        return Budget.from_machine(
            machine,
            margins=margins(self._base.settings.current.engine.gpu_margin),
            engine=engine_info().devices if machine.gpus else (),
            returned=self._returned(),
        )

    def beside(self, machine: Machine) -> Budget:
        """What this machine can give to another model beside the loaded one."""
        return Budget.from_machine(
            machine,
            margins=margins(self._base.settings.current.engine.gpu_margin),
            engine=engine_info().devices if machine.gpus else (),
        )

    def _returned(self) -> dict[str, int]:
        """What unloading gives back. Mapped files of weights count as available already, where the system says so."""
        loaded = self._base.engine.model
        back = {use.name: use.bytes for use in loaded.uses} if loaded else {}
        if "CPU" in back:
            back["CPU"] = max(0, back["CPU"] - memory.reclaimable())
        return back

    def advise(self, machine: Machine, wish: Wish | None = None) -> Advice:
        """What this machine should run, now. Milliseconds."""
        base = self._base
        return advisor.advise(base.catalog, self.budget(machine), wish or self.wish, experience=base.experience)

    def companions(self, machine: Machine, beside: Choice | None = None) -> Companions:
        """The embedder and the reranker for documents, beside a chat model that is not loaded yet."""
        return companions(self._base.catalog, self.budget(machine), beside)

    @property
    def wish(self) -> Wish:
        models = self._base.settings.current.models
        return Wish.of(models.use, models.context, models.min_speed or None)

    @property
    def slots(self) -> Slots:
        """What a context is made for, by the settings: the plan, the trial and the load all go by it."""
        return Slots(self._base.settings.current.engine.parallel, MOST_SEQUENCES, LONGEST_DRAFT)

    def choice_for(self, model: LocalModel, machine: Machine) -> Choice:
        """How to load this file on this machine, now."""
        base, header = self._base, gguf.check(model.path, KINDS)
        known = base.catalog.find(model.catalog_id) if model.catalog_id else None
        return advisor.choice_for(header, self.budget(machine), self.wish, known=known, experience=base.experience)

    def quant_for(self, model: CatalogModel, cancel: CancelToken) -> str:
        """The quant of a model of the catalogue that suits this machine now."""
        machine = next(self.look(cancel=cancel))
        budget = self.budget(machine)
        return advisor.choice_for(model, budget, self.wish, experience=self._base.experience).file.quant

    # ---- plans

    def plan(
        self, target: str | Path, *, asked: Asked | None = None, endpoint: str | None = None, cwd: Path | None = None
    ) -> Stream[PlanStep | Plan]:
        """What running a model takes here, exactly, before it is downloaded: steps, and the Plan last.

        `target`: a file; the id of a model on this disk; CATALOGUE-ID[:QUANT], REPO[:QUANT] or a link to a hub; or
        any address of a GGUF. Of what is not here only headers are fetched. `cwd`: where a relative path begins.
        """
        asked = asked or Asked(wanted_context=self.wish.context, slots=self.slots)
        return self._plans.start(self._plan, target, asked, endpoint, cwd)

    def _plan(
        self, target: str | Path, asked: Asked, endpoint: str | None, cwd: Path | None, *, cancel: CancelToken
    ) -> Iterator[PlanStep | Plan]:
        path = self._file(target, cwd)
        if path is not None:
            yield self._of_file(path, asked, cancel)
            return
        endpoints = self._base.settings.current.network.sources
        ref = links.parse_ref(str(target), (*endpoints, *filter(None, [endpoint])))
        known = None if ref.is_repo or ref.direct else self._base.catalog.find(ref.name)
        budget = self._budget_now(cancel)
        try:
            yield PlanStep(_asking(ref))
            found = self._remote(ref, known, budget, endpoint, cancel)
        except (DownloadError, Unavailable) as error:
            if known is None:
                raise
            yield self._from_catalog(known, ref.wanted, budget, asked, error.message)
            return
        yield self.planner.plan(found.path, found.header, budget, asked, cancel=cancel)

    def _of_file(self, path: Path, asked: Asked, cancel: CancelToken) -> Plan:
        try:
            header = gguf.check(path, KINDS)
        except InvalidInput as error:
            if error.code != "truncated_file":
                raise
            cut = header_of_cut_off(path, self._base.paths.cache / "headers")
            plan = self.planner.plan(cut.path, cut.header, self._budget_now(cancel), asked, cancel=cancel)
            return replace(plan, notes=(*plan.notes, error.message))
        return self.planner.plan(path, header, self._budget_now(cancel), asked, cancel=cancel)

    def _budget_now(self, cancel: CancelToken) -> Budget:
        return self.budget(next(self.look(cancel=cancel)))

    def _file(self, target: str | Path, cwd: Path | None) -> Path | None:
        """The file on this disk that is meant; None if something elsewhere is."""
        if isinstance(target, Path):
            return target
        if "://" in target:
            return None
        path = (cwd or Path.cwd()) / target
        try:
            is_file = path.is_file()
        except OSError:  # no file system takes such a name
            is_file = False
        if is_file or (target.lower().endswith(".gguf") and ":" not in target[2:]):
            return path
        if "/" in target:
            return None
        try:
            model = self._base.library.find(target)
        except NotFound:
            return None
        return file_of(model)

    def _remote(
        self, ref: Ref, known: CatalogModel | None, budget: Budget, endpoint: str | None, cancel: CancelToken
    ) -> RemoteHeader:
        network, cache = self._base.network, self._base.paths.cache / "headers"
        if ref.direct:
            return fetch_link(network, ref.direct, cache, cancel=cancel)
        repo, wanted = (known.repo, ref.wanted) if known else (ref.name, ref.wanted)
        if known and not wanted:
            wanted = advisor.choice_for(known, budget, self.wish).file.quant

        def ask(source: Source) -> RemoteHeader:
            file = choose(source.files(repo, revision=ref.revision, cancel=cancel), wanted, repo)
            return fetch(network, source, repo, file, cache, revision=ref.revision, cancel=cancel)

        _, found, _ = first_answer(self._hubs.sources_for(ref, endpoint), ask, cancel)
        return found

    def _from_catalog(self, model: CatalogModel, wanted: str, budget: Budget, asked: Asked, why: Phrase) -> Plan:
        """Without a hub: what the catalogue knows."""
        file = choose(model.files, wanted or advisor.choice_for(model, budget, self.wish).file.quant, model.id)
        weights = Weights.estimate(model.shape, file)
        note = Phrase(f"Estimated from the catalogue. {why.en}", f"根据目录估算。{why.zh}")
        return self.planner.by_formula(model.shape, weights, budget, asked, quant=file.quant, why=note)


def _asking(ref: Ref) -> Phrase:
    where = ref.direct or ref.name
    return Phrase(f"Reading the header of {where}", f"正在读取 {where} 的文件头")


def _usable(machine: Machine, engine: EngineInfo) -> Machine:
    """A card that the installed engine cannot use does not count, and a note says so: no silent CPU."""
    if any(device.kind in ("gpu", "igpu") for device in engine.devices):
        return machine
    names = ", ".join(gpu.name for gpu in machine.gpus)
    note = Phrase(
        f"{names}: this build of the engine cannot use it and runs on the processor. "
        "Set DeskSeek up again to get one that can.",
        f"{names}：当前安装的引擎无法使用它，将在处理器上运行。请重新安装 DeskSeek 以获得支持它的版本。",
    )
    return replace(machine, gpus=(), notes=(*machine.notes, note))
