"""What was measured corrects what is predicted: on the whole, never wildly, and never at the cost of a start."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.models.experience import (
    LAST,
    LEAST_FACTOR,
    MEASUREMENTS,
    MOST_CORRECTION,
    MOST_FACTOR,
    RUNS,
    Experience,
    RunKey,
    identity,
)
from backends.models.types import DevicePlan, Plan, RunOptions
from tests.kit.folders import closed

MIB, GIB = 1 << 20, 1 << 30
OPTIONS = RunOptions(context=16384, gpu_layers=29)
KEY = RunKey("file", OPTIONS, ("CUDA0", "CPU"), "0.3.36", "qwen2", "R1 7B")


@dataclass(frozen=True)
class Used:
    name: str
    bytes: int


def plan(*totals: tuple[str, str, int]) -> Plan:
    devices = tuple(DevicePlan(name, kind, size, 0, 0, 0) for name, kind, size in totals)
    return Plan("qwen2", OPTIONS, devices, exact=True, fits=True)


def of_card(predicted: int, *measured: int, path: Path, architecture: str = "qwen2") -> Experience:
    experience = Experience(path)
    for size in measured:
        key = replace(KEY, architecture=architecture)
        experience.record_load(key, plan(("CUDA0", "gpu", predicted)), [Used("CUDA0", size)])
    return experience


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experience.json"


def test_nothing_is_known_at_first(path: Path) -> None:
    experience = Experience(path)
    assert experience.memory_correction("CUDA0", "qwen2") == 0
    assert experience.speed_factor(("CUDA0",), "qwen2") == 1.0
    assert not experience.worked(KEY)
    assert not experience.failed(KEY)
    assert experience.entries() == ()
    assert not path.exists()


def test_loads_that_take_more_than_planned_teach_it(path: Path) -> None:
    """Careful after one, nearly all of it after nine; kept between starts; for this device and architecture."""
    sizes = [6 * GIB + 300 * MIB] * 9
    assert of_card(6 * GIB, *sizes[:1], path=path).memory_correction("CUDA0", "qwen2") == 100 * MIB
    of_card(6 * GIB, *sizes, path=path)
    again = Experience(path)
    assert 240 * MIB < again.memory_correction("CUDA0", "qwen2") < 300 * MIB
    assert again.memory_correction("CUDA1", "qwen2") == 0
    shown = again.entries()[0]
    assert (shown.predicted, shown.measured, shown.name) == (6 * GIB, 6 * GIB + 300 * MIB, "R1 7B")


def test_another_architecture_teaches_until_this_one_ran(path: Path) -> None:
    """A context on the card costs the same for all; what was measured with this one is better."""
    experience = of_card(6 * GIB, *[6 * GIB + 300 * MIB] * 3, path=path, architecture="llama")
    assert experience.memory_correction("CUDA0", "qwen2") == 180 * MIB
    experience.record_load(KEY, plan(("CUDA0", "gpu", 6 * GIB)), [Used("CUDA0", 6 * GIB - 30 * MIB)])
    assert experience.memory_correction("CUDA0", "qwen2") == -10 * MIB


def test_devices_are_found_under_the_names_of_the_plan(path: Path) -> None:
    """The engine says CUDA0 where a plan by formula says what is printed on the card."""
    experience = Experience(path)
    predicted = plan(("CPU", "cpu", GIB), ("RTX 4090", "gpu", 9 * GIB), ("RTX 3060", "gpu", 5 * GIB))
    uses = [Used("CUDA0", 9 * GIB + 3), Used("CUDA1", 5 * GIB + 30), Used("CPU", GIB + 300)]
    experience.record_load(KEY, predicted, uses)
    assert experience.memory_correction("RTX 4090", "qwen2") == 1
    assert experience.memory_correction("RTX 3060", "qwen2") == 10
    assert experience.memory_correction("CPU", "qwen2") == 100


def test_another_engine_begins_anew(path: Path) -> None:
    experience = Experience(path, "0.3.36")
    experience.record_load(KEY, plan(("CUDA0", "gpu", 6 * GIB)), [Used("CUDA0", 7 * GIB)])
    experience.record_speed(KEY, 20.0, 30.0)
    experience.record_worked(KEY)
    newer = Experience(path, "0.4.0")
    assert newer.memory_correction("CUDA0", "qwen2") == 0
    assert newer.speed_factor(KEY.devices, "qwen2") == 1.0
    assert not newer.worked(replace(KEY, engine="0.4.0"))
    assert len(newer.entries()) == 2
    assert Experience(path, "0.3.36").speed_factor(KEY.devices, "qwen2") == pytest.approx(1.5)


measured = st.integers(min_value=5 * GIB, max_value=8 * GIB)


@settings(max_examples=60, deadline=None)
@given(st.lists(measured, min_size=1, max_size=LAST - 1), st.integers(1, 2**50), st.integers(0, LAST))
@example(good=[5 * GIB], bad=6 * GIB + 2, at=0)
def test_one_outlier_does_not_spoil_it(
    tmp_path_factory: pytest.TempPathFactory, good: list[int], bad: int, at: int
) -> None:
    sizes = [*good[:at], bad, *good[at:]]
    path = tmp_path_factory.mktemp("one") / "experience.json"
    correction = of_card(6 * GIB, *sizes, path=path).memory_correction("CUDA0", "qwen2")
    differences = [size - 6 * GIB for size in good]
    assert min(0, *differences) <= correction <= max(0, *differences)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2**50), st.integers(1, 2**50)), min_size=1, max_size=12))
def test_a_correction_is_bounded(tmp_path_factory: pytest.TempPathFactory, loads: list[tuple[int, int]]) -> None:
    experience = Experience(tmp_path_factory.mktemp("one") / "experience.json")
    for predicted, size in loads:
        experience.record_load(KEY, plan(("CUDA0", "gpu", predicted)), [Used("CUDA0", size)])
    correction = experience.memory_correction("CUDA0", "qwen2")
    assert -512 * MIB <= correction <= MOST_CORRECTION
    latest = [size - predicted for predicted, size in loads[-LAST:]]
    assert min(0, *latest) <= correction <= max(0, *latest)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-6, 1e9), st.floats(1e-6, 1e9)), min_size=1, max_size=12))
def test_a_factor_is_bounded(tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[float, float]]) -> None:
    experience = Experience(tmp_path_factory.mktemp("one") / "experience.json")
    for predicted, speed in answers:
        experience.record_speed(KEY, predicted, speed)
    factor = experience.speed_factor(KEY.devices, "qwen2")
    assert LEAST_FACTOR <= factor <= MOST_FACTOR
    ratios = [speed / predicted for predicted, speed in answers[-LAST:]]
    assert min(1.0, *ratios) * 0.999 <= factor or factor == LEAST_FACTOR
    assert factor <= max(1.0, *ratios) * 1.001 or factor == MOST_FACTOR


def test_nonsense_is_not_learnt(path: Path) -> None:
    experience = Experience(path)
    for predicted, speed in ((0.0, 5.0), (5.0, 0.0), (5.0, float("inf")), (float("nan"), 5.0), (-1.0, 5.0)):
        experience.record_speed(KEY, predicted, speed)
    experience.record_load(KEY, plan(("CUDA0", "gpu", 0), ("CPU", "cpu", 5)), [Used("CUDA0", 7), Used("CPU", 0)])
    assert experience.entries() == ()


# ---- what worked


def test_what_worked_is_known_also_with_a_shorter_context(path: Path) -> None:
    Experience(path).record_worked(KEY)
    again = Experience(path)
    assert again.worked(KEY)
    assert again.worked(replace(KEY, options=replace(OPTIONS, context=4096)))
    for changed in (
        replace(KEY, options=replace(OPTIONS, context=32768)),
        replace(KEY, options=replace(OPTIONS, gpu_layers=12)),
        replace(KEY, options=replace(OPTIONS, kv_type="q8_0")),
        replace(KEY, file="another"),
        replace(KEY, devices=("CPU",)),
        replace(KEY, engine="0.4.0"),
    ):
        assert not again.worked(changed)


def test_what_failed_is_known_until_it_works(path: Path) -> None:
    experience = Experience(path)
    experience.record_failed(KEY, "engine_crashed")
    again = Experience(path)
    assert again.failed(KEY) == "engine_crashed"
    assert again.failed(KEY, room=64 * GIB) == "engine_crashed"
    again.record_worked(replace(KEY, options=replace(OPTIONS, context=65536)))
    assert not again.worked(KEY)
    again.record_worked(KEY)
    assert Experience(path).worked(KEY)
    assert not Experience(path).failed(KEY)


def test_what_lacked_memory_is_worth_another_try_when_there_is_more(path: Path) -> None:
    Experience(path).record_failed(KEY, "out_of_memory", room=4 * GIB)
    again = Experience(path)
    assert again.failed(KEY, room=4 * GIB) == "out_of_memory"
    assert not again.failed(KEY, room=6 * GIB)


# ---- the file


def test_threads_are_known_for_models_of_about_that_size(path: Path) -> None:
    """On the same cores, with the same engine, also after a restart; measured again they replace what was known."""
    experience = Experience(path, "0.3.36")
    assert experience.threads("8/0/16", 4 * GIB) is None
    experience.record_threads("8/0/16", 4 * GIB, 8, 16)
    experience.record_threads("8/0/16", 100 * MIB, 4, 8)
    again = Experience(path, "0.3.36")
    assert again.threads("8/0/16", 5 * GIB) == (8, 16)
    assert again.threads("8/0/16", 120 * MIB) == (4, 8)
    assert again.threads("8/0/16", 40 * GIB) is None
    assert again.threads("6/0/12", 4 * GIB) is None
    assert Experience(path, "0.3.37").threads("8/0/16", 4 * GIB) is None
    again.record_threads("8/0/16", 5 * GIB, 6, 6)
    assert again.threads("8/0/16", 4 * GIB) == (6, 6)
    for number in range(100):
        again.record_threads(f"{number}", 4 * GIB, 2, 2)
    assert len(json.loads(path.read_text())["threads"]) == 40


def test_a_list_from_before_threads_were_measured_is_read(path: Path) -> None:
    Experience(path).record_worked(KEY)
    data = json.loads(path.read_text())
    del data["threads"]
    path.write_text(json.dumps(data))
    assert Experience(path).worked(KEY)


def test_cards_share_layers_once_that_was_clearly_quicker(path: Path) -> None:
    """Beside whole layers on the same cards; the speed of one way says nothing about the other."""
    cards = replace(KEY, devices=("CUDA0", "CUDA1"))
    together = replace(cards, options=replace(OPTIONS, gpu_sharing="tensor"))
    experience = Experience(path)
    experience.record_speed(together, 20.0, 36.0)
    assert not experience.tensor_is_quicker(cards.devices, "qwen2")
    assert experience.speed_factor(cards.devices, "qwen2") == 1.0
    experience.record_speed(cards, 20.0, 35.0)
    assert not experience.tensor_is_quicker(cards.devices, "qwen2")
    for _ in range(3):
        experience.record_speed(cards, 20.0, 30.0)
    assert experience.tensor_is_quicker(cards.devices, "qwen2")
    assert not experience.tensor_is_quicker(("CUDA0",), "qwen2")


def test_it_stays_small(path: Path) -> None:
    experience = Experience(path)
    experience.record_worked(KEY)
    experience.record_speed(KEY, 1.0, 2.0)
    data = json.loads(path.read_text())
    (run,), (measured,) = data["runs"], data["measured"]
    data["runs"] = [run | {"digest": str(number)} for number in range(RUNS)]
    data["measured"] = [measured] * MEASUREMENTS
    path.write_text(json.dumps(data))
    experience = Experience(path)
    newest = replace(KEY, file="newest")
    experience.record_failed(newest, "engine_crashed")
    experience.record_speed(KEY, 1.0, 3.0)
    data = json.loads(path.read_text())
    assert (len(data["runs"]), len(data["measured"])) == (RUNS, MEASUREMENTS)
    assert Experience(path).failed(newest)
    assert Experience(path).entries()[0].measured == 3.0
    assert path.stat().st_size < 300_000


THREADS_OF = {"engine": "", "cores": "8/0/16", "size": 15, "decode": 8, "prefill": 8, "when": 0.0}
DAMAGED: dict[str, object] = {
    "nothing": b"",
    "no JSON": b"{",
    "bytes": bytes(range(256)),
    "a list": [],
    "another version": {"version": 99, "runs": [], "measured": []},
    "runs that are no list": {"version": 1, "runs": {}, "measured": []},
    "a run that is text": {"version": 1, "runs": ["x"], "measured": []},
    "a run of other fields": {"version": 1, "runs": [{"x": 1}], "measured": []},
    "threads of none": {"version": 1, "runs": [], "measured": [], "threads": [THREADS_OF | {"decode": 0}]},
    "threads in words": {"version": 1, "runs": [], "measured": [], "threads": [THREADS_OF | {"cores": 8}]},
    "deep": b"[" * 100_000,
    "too large": b" " * (9 << 20),
}
FIELDS = [
    *(("predicted", value) for value in ("7", 0, 10**400)),
    *(("measured", value) for value in (-1, True, float("nan"))),
    *(("devices", value) for value in ([1], None)),
    ("when", None),
    ("what", "x"),
    ("name", 7),
]


@pytest.mark.parametrize("what", [*DAMAGED, *[f"{name} {value!r:.20}" for name, value in FIELDS]])
def test_a_damaged_file_is_put_aside(path: Path, what: str) -> None:
    if what in DAMAGED:
        content = DAMAGED[what]
    else:
        Experience(path).record_speed(KEY, 1.0, 2.0)
        content = json.loads(path.read_text())
        name, value = next(one for one in FIELDS if f"{one[0]} {one[1]!r:.20}" == what)
        content["measured"][0][name] = value
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    before = path.read_bytes()
    experience = Experience(path)
    (aside,) = path.parent.glob("experience.json.corrupt-*")
    assert aside.read_bytes() == before
    assert str(aside) in experience.notice.en
    assert str(aside) in experience.notice.zh
    experience.record_worked(KEY)
    again = Experience(path)
    assert again.worked(KEY)
    assert not again.notice.en


def test_a_disk_that_refuses_costs_only_the_memory_of_it(tmp_path: Path) -> None:
    with closed(tmp_path) as folder:
        experience = Experience(folder / "experience.json")
        experience.record_worked(KEY)
        assert experience.worked(KEY)
        assert not Experience(folder / "experience.json").worked(KEY)


def test_a_file_is_the_same_until_it_changes(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"one")
    first = identity(model)
    assert identity(model) == first
    assert identity(model, "0" * 64) != first
    model.write_bytes(b"other")
    assert identity(model) != first
    names: Sequence[Path] = [tmp_path / f"big-0000{n}-of-00002.gguf" for n in (1, 2)]
    for part in names:
        part.write_bytes(b"part")
    whole = identity(names[0])
    names[1].write_bytes(b"another part")
    assert identity(names[0]) != whole
