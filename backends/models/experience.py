"""What this machine has shown: measured against predicted memory and speed, and which ways to run a file worked here.

Kept in `experience.json`, a few hundred small entries; the oldest go first. It may be lost at no other cost than that
predictions are as good as on the first day and that files are tried apart once more. Bytes, tokens per second.

A correction must be right on the whole rather than quick: it is the median of the last measurements, of two the more
modest one; few measurements count for little; and it is bounded. One load during which another program took memory
does not spoil it.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from math import exp, isfinite, log
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from backends.core.errors import StorageError
from backends.core.files import put_aside, write_file
from backends.core.phrase import NOTHING, Phrase
from backends.models.quants import part_of
from backends.models.types import DevicePlan, Plan, RunOptions

VERSION = 1
MIB = 1 << 20
RUNS = 400  # remembered outcomes
MEASUREMENTS = 300
LAST = 9  # measurements of one device and architecture that count
LEAST_CORRECTION, MOST_CORRECTION = -512 * MIB, 2048 * MIB
LEAST_FACTOR, MOST_FACTOR = 0.2, 3.0
LARGEST_FILE = 8 * MIB
MORE_ROOM = 1024 * MIB  # than when it failed: worth another try
OUT_OF_MEMORY = "out_of_memory"
CLEARLY = 1.05  # times as quick
THREADS, MOST_THREADS = 40, 1024
_TENSOR = "tensor"  # stands before the names of cards that had a part of every layer each

_log = logging.getLogger(__name__)
E = TypeVar("E")


class Use(Protocol):
    """What a load really took on one device."""

    @property
    def name(self) -> str: ...
    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RunKey:
    """One way to run one file on this machine with this engine. `file`: as `identity`.

    `architecture` and `name` are for measurements and for display; they do not tell one way from another.
    """

    file: str
    options: RunOptions
    devices: tuple[str, ...]
    engine: str
    architecture: str = field(default="", compare=False)
    name: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        return _digest([self.file, asdict(self.options), self.devices, self.engine])

    @property
    def family(self) -> str:
        """The same for all contexts."""
        return replace(self, options=replace(self.options, context=0)).digest


@dataclass(frozen=True, slots=True)
class Measured:
    """A prediction and what came of it: bytes on one device (`memory`), tokens per second (`speed`)."""

    what: Literal["memory", "speed"]
    devices: tuple[str, ...]
    architecture: str
    engine: str
    name: str
    context: int
    predicted: float
    measured: float
    when: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class _Run:
    """How a way to run a file ended: `code` "" if it worked. `room`: bytes that were free when it did not."""

    digest: str
    family: str
    context: int
    code: str
    room: int
    when: float


@dataclass(frozen=True, slots=True)
class _Threads:
    """Numbers of threads that were quickest: on these `cores`, for models of about this `size` (`_class_of`)."""

    engine: str
    cores: str
    size: int
    decode: int
    prefill: int
    when: float


class Experience:
    """Any thread may use it. `engine`: the version whose measurements count; "" counts those of all.

    `notice` says if it had to begin anew. What cannot be written is known until the program ends.
    """

    def __init__(self, path: Path, engine: str = "") -> None:
        self.notice = NOTHING
        self._path = path
        self._engine = engine
        self._lock = threading.Lock()
        self._runs: list[_Run] = []
        self._measured: list[Measured] = []
        self._threads: list[_Threads] = []
        self._read()

    # ---- what worked

    def worked(self, key: RunKey) -> bool:
        """Whether it ran here so, or so with a longer context."""
        with self._lock:
            if any(run.digest == key.digest and run.code for run in self._runs):
                return False
            family = [run for run in self._runs if run.family == key.family and not run.code]
            return any(run.context >= key.options.context for run in family)

    def failed(self, key: RunKey, room: int = 0) -> str:
        """The code of the error by which it ended the last time; "" if it did not.

        What lacked memory is worth another try when there is more `room` (bytes free) than then.
        """
        with self._lock:
            run = next((run for run in self._runs if run.digest == key.digest), None)
        if run is None or (run.code == OUT_OF_MEMORY and room > run.room + MORE_ROOM):
            return ""
        return run.code

    def record_worked(self, key: RunKey) -> None:
        self._record_run(key, "", 0)

    def record_failed(self, key: RunKey, code: str, room: int = 0) -> None:
        self._record_run(key, code, room)

    def _record_run(self, key: RunKey, code: str, room: int) -> None:
        run = _Run(key.digest, key.family, key.options.context, code, room, time.time())
        with self._lock:
            self._runs = [run, *(one for one in self._runs if one.digest != run.digest)][:RUNS]
            self._save()

    # ---- what was measured

    def record_load(self, key: RunKey, predicted: Plan, uses: Sequence[Use]) -> None:
        """`predicted` without corrections (its parts are), `uses` by the engine's names of devices.

        They are kept by the plan's names. Names that differ are matched by their order; main memory is "CPU".
        """
        found = [
            self._measurement("memory", key, (device.name,), device.total, use.bytes)
            for device, use in _matched(predicted.devices, uses)
            if device.total > 0 and use.bytes > 0
        ]
        self._record(found)

    def record_speed(self, key: RunKey, predicted: float, measured: float, devices: Sequence[str] = ()) -> None:
        """Decoded tokens per second; `predicted` before any factor. `devices` that compute, if not all of the key's."""
        devices = tuple(devices) or key.devices
        if key.options.gpu_sharing == "tensor":
            devices = (_TENSOR, *devices)
        if predicted > 0 and measured > 0 and isfinite(predicted) and isfinite(measured):
            self._record([self._measurement("speed", key, devices, predicted, measured)])

    def memory_correction(self, device: str, architecture: str) -> int:
        """Bytes to add to what is predicted for a device; of other architectures where this one never ran."""
        found = self._of("memory", (device,), architecture)
        if not found:
            return 0
        bound = max(256 * MIB, 0.25 * _middle([one.predicted for one in found]))
        damped = _middle([one.measured - one.predicted for one in found]) * len(found) / (len(found) + 2)
        return round(min(max(damped, LEAST_CORRECTION, -bound), MOST_CORRECTION, bound))

    def speed_factor(self, devices: Sequence[str], architecture: str) -> float:
        """What to multiply a predicted speed by; 1.0 where nothing was measured."""
        found = self._of("speed", tuple(devices), architecture)
        if not found:
            return 1.0
        return min(max(exp(_middle([log(one.measured / one.predicted) for one in found])), LEAST_FACTOR), MOST_FACTOR)

    def tensor_is_quicker(self, devices: Sequence[str], architecture: str) -> bool:
        """Whether cards that each had a part of every layer were clearly quicker here than with whole layers each."""
        alone, together = (self._of("speed", one, architecture) for one in (tuple(devices), (_TENSOR, *devices)))
        if not alone or not together:
            return False
        whole, parts = (_middle([log(one.measured / one.predicted) for one in found]) for found in (alone, together))
        return parts - whole > log(CLEARLY)

    def threads(self, cores: str, size: int) -> tuple[int, int] | None:
        """For one token at a time and for prompts, as it was quickest on such cores with a model of about that size."""
        known = [one for one in self._threads if (one.engine, one.cores) == (self._engine, cores)]
        return next(((one.decode, one.prefill) for one in known if one.size == _class_of(size)), None)

    def record_threads(self, cores: str, size: int, decode: int, prefill: int) -> None:
        new = _Threads(self._engine, cores, _class_of(size), decode, prefill, time.time())
        with self._lock:
            same = [one for one in self._threads if (one.engine, one.cores, one.size) != (new.engine, cores, new.size)]
            self._threads = [new, *same][:THREADS]
            self._save()

    def entries(self) -> tuple[Measured, ...]:
        """Predictions and measurements, the newest first."""
        with self._lock:
            return tuple(self._measured)

    def _of(self, what: str, devices: tuple[str, ...], architecture: str) -> list[Measured]:
        with self._lock:
            found = [one for one in self._measured if one.what == what and one.devices == devices]
        found = [one for one in found if self._engine in ("", one.engine)]
        return [one for one in found if one.architecture == architecture][:LAST] or found[:LAST]

    def _measurement(
        self, what: Literal["memory", "speed"], key: RunKey, devices: tuple[str, ...], predicted: float, measured: float
    ) -> Measured:
        return Measured(
            what=what,
            devices=devices,
            architecture=key.architecture,
            engine=key.engine,
            name=key.name,
            context=key.options.context,
            predicted=predicted,
            measured=measured,
            when=time.time(),
        )

    def _record(self, found: list[Measured]) -> None:
        with self._lock:
            self._measured = [*found, *self._measured][:MEASUREMENTS]
            self._save()

    # ---- the file

    def _save(self) -> None:
        data = {
            "version": VERSION,
            "runs": [asdict(run) for run in self._runs],
            "measured": [asdict(one) for one in self._measured],
            "threads": [asdict(one) for one in self._threads],
        }
        try:
            write_file(self._path, json.dumps(data, indent=1).encode())
        except StorageError as error:
            _log.warning("what was learnt about this machine is not kept: %s", error)

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                text = file.read(LARGEST_FILE + 1)
            if len(text) > LARGEST_FILE:
                raise ValueError("too large")
            data = json.loads(text)
            if data["version"] != VERSION:
                raise ValueError("not of this version")
            runs, measured = _entries(data["runs"], _run), _entries(data["measured"], _measured)
            threads = _entries(data.get("threads", []), _thread_counts)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            _log.warning("%s cannot be used: %s", self._path, error)
            self._begin_anew()
        else:
            self._runs, self._measured, self._threads = runs[:RUNS], measured[:MEASUREMENTS], threads[:THREADS]

    def _begin_anew(self) -> None:
        aside = ""
        try:
            aside = str(put_aside(self._path))
        except StorageError as error:
            _log.warning("it cannot be put aside either: %s", error)
        kept = (f"; the old list is {aside}", f"；旧记录保存在 {aside}") if aside else ("", "")
        self.notice = Phrase(
            f"What DeskSeek had learnt about this computer's speed and memory was damaged and is learnt anew{kept[0]}.",
            f"DeskSeek 对本机速度与内存的记录已损坏，将重新积累{kept[1]}。",
        )


def identity(path: Path, sha256_of_file: str | None = None) -> str:
    """By which a file is known to be the same: name, size and time of change of each part, and what it should hold.

    Raises OSError if it cannot be looked at.
    """
    part = part_of(path.name)
    names = [part.name(number) for number in range(1, part.count + 1)] if part else [path.name]
    stamps = [(name, status.st_size, status.st_mtime_ns) for name in names if (status := path.with_name(name).stat())]
    return _digest([sha256_of_file or "", stamps])


def _matched(devices: Sequence[DevicePlan], uses: Sequence[Use]) -> list[tuple[DevicePlan, Use]]:
    """Each planned device with its use: of the same name, else the cards in their order."""
    by_name = {use.name: use for use in uses}
    pairs = [(device, by_name[device.name]) for device in devices if device.name in by_name]
    taken = {use.name for _, use in pairs}
    cards = [use for use in uses if use.name not in taken and use.name != "CPU"]
    others = [device for device in devices if device.name not in taken]
    if "CPU" in by_name and "CPU" not in taken:
        pairs += [(device, by_name["CPU"]) for device in others if device.kind == "cpu"]
    return [*pairs, *zip([device for device in others if device.kind != "cpu"], cards, strict=False)]


def _middle(values: Sequence[float]) -> float:
    """The median; of the two in the middle of an even number the one nearer to 0, and 0 if that lies between them."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return 0.0 if low < 0 < high else min(low, high, key=abs)


def _digest(what: object) -> str:
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _entries(data: object, make: Callable[[Mapping[str, Any]], E]) -> list[E]:
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise TypeError("no list of objects")
    return [make(one) for one in data]


def _run(entry: Mapping[str, Any]) -> _Run:
    run = _Run(**entry)
    _check(run, text=("digest", "family", "code"), numbers=("context", "room", "when"))
    return run


def _measured(entry: Mapping[str, Any]) -> Measured:
    measured = Measured(**{**entry, "devices": tuple(entry["devices"])})
    _check(measured, ("architecture", "engine", "name"), ("context", "predicted", "measured", "when"))
    if measured.what not in ("memory", "speed") or not all(isinstance(name, str) for name in measured.devices):
        raise ValueError("no measurement")
    if measured.predicted <= 0 or measured.measured <= 0:
        raise ValueError("nothing was measured")
    return measured


def _thread_counts(entry: Mapping[str, Any]) -> _Threads:
    counts = _Threads(**entry)
    _check(counts, ("engine", "cores"), ("size", "decode", "prefill", "when"))
    if not (1 <= counts.decode <= MOST_THREADS and 1 <= counts.prefill <= MOST_THREADS):
        raise ValueError("no number of threads")
    return counts


def _class_of(size: int) -> int:
    """Models whose sizes in bytes differ by less than a factor of about four are of one class."""
    return size.bit_length() // 2


def _check(entry: Any, text: Sequence[str], numbers: Sequence[str]) -> None:
    """Every field is of its kind: TypeError or ValueError if not."""
    kinds: dict[str, tuple[type, ...]] = dict.fromkeys(text, (str,)) | dict.fromkeys(numbers, (int, float))
    for one in fields(entry):
        value = getattr(entry, one.name)
        if one.name in kinds and (not isinstance(value, kinds[one.name]) or isinstance(value, bool)):
            raise TypeError(f"{one.name} is a {type(value).__name__}")
        if one.name in numbers and not isfinite(float(value)):
            raise ValueError(f"{one.name} is no number")
