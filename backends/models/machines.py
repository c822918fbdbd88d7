"""Figures about machines: how fast memory is, what a backend makes of it, what must stay free.

They stand in `resources/machines.json`, their sources in the schema beside it. Bandwidths are the peaks of data sheets,
in bytes per second here; efficiencies were fitted to published measurements.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from backends.core.paths import resource
from backends.models.buffers import Measured, measured
from backends.models.entries import Entry
from backends.models.types import USES, Use

VERSION = 1
GIGA = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A graphics card's memory bandwidth, by a word in its name."""

    name: str
    bytes_per_s: float
    efficiency: float | None  # where the card makes less of it than its backend does elsewhere


@dataclass(frozen=True, slots=True)
class Backend:
    """`overhead` bytes are taken by its context on each GPU; `prefill`: prompt tokens a decoded token's time."""

    efficiency: float
    latency: float  # seconds a token, whatever its size
    overhead: int
    prefill: float


@dataclass(frozen=True, slots=True)
class Reserve:
    """Bytes that the system and the other programs need, and what share of the memory they take at most and least."""

    by_system: Mapping[str, int]
    at_most_share: float
    at_least_share: float

    def of(self, system: str, total: int) -> int:
        wanted = min(self.by_system.get(system.lower(), self.by_system["typical"]), self.at_most_share * total)
        return round(max(wanted, self.at_least_share * total))


@dataclass(frozen=True, slots=True)
class Answers:
    """What a typical question and its answer are, in tokens."""

    prompt_tokens: int
    context_tokens: int
    reasoning_tokens: int
    plain_tokens: int


@dataclass(frozen=True, slots=True)
class Scoring:
    """The weights that turn a way to run a model into one number; fitted to the table of sample picks."""

    divergence_weight: float
    negligible_divergence: float
    target_speed: float
    speed_power: float
    slowest: float
    slow_factor: float
    shorter_context: float
    q8_0_kv: float
    main_memory_weight: float
    main_memory_power: float
    comfort: float
    tight: float


@dataclass(frozen=True, slots=True)
class UseFigures:
    """What a use of a model needs: `least_context` tokens even where somebody is content with less."""

    least_context: int
    answers: Answers
    scoring: Scoring


@dataclass(frozen=True, slots=True)
class Cautions:
    """From where on something is said: tokens of context, bits in a quant's name, a year and month ("2025-01")."""

    thinking_context: int
    least_bits: int
    older_than: str


@dataclass(frozen=True, slots=True)
class Companions:
    """Embedders and rerankers: tokens of one text, and of the page of which the time is told.

    `in_main_memory`: what one is worth that works there though there is a GPU, from 0 to 1.
    """

    context: int
    page_tokens: int
    in_main_memory: float


@dataclass(frozen=True, slots=True)
class Figures:
    bandwidths: Mapping[str, tuple[Bandwidth, ...]]  # by vendor
    backends: Mapping[str, Backend]
    vendors: Mapping[str, str]  # vendor -> backend
    quant_speed: Mapping[str, float]
    iq_on_cpu: float  # how fast the IQ quants are on a processor, beside the factor above
    extra_latency: Mapping[str, float]  # architecture -> seconds a token
    typical: Mapping[str, tuple[tuple[float, float], ...]]  # ram | vram | unified -> (size up to, bytes/s)
    reserve: Reserve
    host_margin_share: float
    gpu_margin: int
    working_set: tuple[tuple[float, float], ...]  # (memory up to, share of it that a GPU may use)
    compute_buffers: tuple[Measured, ...]
    answers: Answers
    scoring: Scoring
    uses: Mapping[Use, UseFigures]
    cautions: Cautions
    companions: Companions

    @classmethod
    def load(cls, path: Path | None = None) -> "Figures":
        """Read the figures that ship. StorageError (`data_damaged`, `data_too_new`)."""
        entry = Entry.read(path or resource("machines.json"), version=VERSION)
        bandwidths, backends, vendors = entry.entry("bandwidth"), entry.entry("backends"), entry.entry("vendors")
        answers, scoring = _answers(entry.entry("answers")), _scoring(entry.entry("scoring"))
        uses, cautions, beside = entry.entry("uses"), entry.entry("cautions"), entry.entry("companions")
        figures = cls(
            bandwidths={vendor: tuple(map(_bandwidth, bandwidths.entries(vendor))) for vendor in bandwidths},
            backends={name: _backend(backends.entry(name)) for name in backends},
            vendors={vendor: vendors.text(vendor) for vendor in vendors},
            quant_speed=_numbers(entry.entry("quant_speed")),
            iq_on_cpu=entry.number("iq_on_cpu", least=0.01),
            extra_latency={name: ms / 1000 for name, ms in _numbers(entry.entry("extra_latency_ms")).items()},
            typical={
                kind: _steps(entry.entry("typical").entries(kind), "gb_per_s", GIGA)
                for kind in ("ram", "vram", "unified")
            },
            reserve=_reserve(entry.entry("reserve")),
            host_margin_share=entry.number("host_margin_share"),
            gpu_margin=entry.whole("gpu_margin"),
            working_set=_steps(entry.entries("working_set"), "share", 1),
            compute_buffers=measured(),
            answers=answers,
            scoring=scoring,
            uses={use: _use(uses.entry(use), answers, scoring) for use in USES},
            cautions=Cautions(
                cautions.whole("thinking_context", least=1),
                cautions.whole("least_bits", least=1),
                cautions.text("older_than"),
            ),
            companions=Companions(
                beside.whole("context", least=256),
                beside.whole("page_tokens", least=1),
                beside.number("in_main_memory"),
            ),
        )
        if {"cpu", "metal", *figures.vendors.values()} - figures.backends.keys() or "other" not in figures.vendors:
            raise entry.wrong("backends")
        return figures

    def backend_of(self, vendor: str) -> Backend:
        return self.backends[self.vendors.get(vendor, self.vendors["other"])]

    def bandwidth_of(self, vendor: str, name: str) -> Bandwidth | None:
        """The first entry of the vendor's table whose words stand in `name` in their order."""
        for known in self.bandwidths.get(vendor, ()):
            words = r"\W+(?:\w+\W+)*?".join(map(re.escape, known.name.split()))
            if re.search(rf"(?<!\w){words}(?!\w)", name, re.IGNORECASE):
                return known
        return None

    def typical_bandwidth(self, kind: str, size: int) -> float:
        return step(self.typical[kind], size)

    def speed_factor(self, quant: str, *, on_cpu: bool = False) -> float:
        """How much of the bandwidth the kernels for this quant reach, relative to Q4_K_M."""
        name = quant.upper().removeprefix("UD-").removesuffix("_XL")
        factor = self.quant_speed.get(name, 1.0)
        return factor * self.iq_on_cpu if on_cpu and name.startswith("IQ") else factor


def step(steps: tuple[tuple[float, float], ...], size: float) -> float:
    """The value of the first step that reaches up to `size`."""
    return next(value for limit, value in steps if size <= limit)


def _bandwidth(entry: Entry) -> Bandwidth:
    efficiency = entry.number("efficiency") if "efficiency" in entry else None
    return Bandwidth(entry.text("name"), entry.number("gb_per_s", least=1) * GIGA, efficiency)


def _backend(entry: Entry) -> Backend:
    return Backend(
        efficiency=entry.number("efficiency", least=0.01),
        latency=entry.number("latency_ms") / 1000,
        overhead=entry.whole("overhead"),
        prefill=entry.number("prefill", least=1),
    )


def _answers(entry: Entry, usual: Answers | None = None) -> Answers:
    known = asdict(usual) if usual else {}
    return Answers(**{one.name: entry.whole(one.name, known.get(one.name), least=1) for one in fields(Answers)})


def _scoring(entry: Entry, usual: Scoring | None = None) -> Scoring:
    known = asdict(usual) if usual else {}
    return Scoring(**{one.name: entry.number(one.name, known.get(one.name)) for one in fields(Scoring)})


def _use(entry: Entry, answers: Answers, scoring: Scoring) -> UseFigures:
    """A use, with what it does not say as it is for all."""
    return UseFigures(
        entry.whole("least_context"),
        _answers(entry.entry("answers"), answers) if "answers" in entry else answers,
        _scoring(entry.entry("scoring"), scoring) if "scoring" in entry else scoring,
    )


def _reserve(entry: Entry) -> Reserve:
    shares = ("at_most_share", "at_least_share")
    systems = {name: entry.whole(name) for name in entry if name not in shares}
    if "typical" not in systems:
        raise entry.wrong("typical")
    return Reserve(systems, entry.number("at_most_share"), entry.number("at_least_share"))


def _numbers(entry: Entry) -> dict[str, float]:
    return {name: entry.number(name) for name in entry}


def _steps(entries: list[Entry], key: str, unit: float) -> tuple[tuple[float, float], ...]:
    """Steps by growing size; the last has no limit (no `up_to`)."""
    steps = [
        (entry.number("up_to") if "up_to" in entry else float("inf"), entry.number(key) * unit) for entry in entries
    ]
    limits = [limit for limit, _ in steps]
    if limits != sorted(set(limits)) or limits[-1] != float("inf"):
        raise entries[-1].wrong("up_to")
    return tuple(steps)
