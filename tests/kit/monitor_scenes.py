"""Made samples, courses and days of the monitor, and scenes of its page for `tests.kit.shots`."""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.monitor_lines import names
from app.monitor_picture import SPANS, Courses, Last, MonitorPicture, Range
from app.widgets.gauge import Gauge
from app.widgets.monitor_page import MonitorPage
from backends.core.phrase import Phrase
from backends.hardware.samples import GpuSample, HardwareSample, SystemSample
from backends.monitor.types import Day, EngineSample, Sample, Series, Traffic
from tests.kit import looks

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]
GIB = 1 << 30
NOW = time.mktime((2026, 11, 22, 17, 42, 5, 0, 0, -1))
MODEL = "DeepSeek R1-0528 Qwen3 8B"

GPU = GpuSample(
    key="0000:01:00.0",
    name="NVIDIA GeForce RTX 4090",
    vendor="nvidia",
    use=0.87,
    memory_use=0.71,
    memory_total=24 * GIB,
    memory_used=int(7.4 * GIB),
    memory_own=int(6.1 * GIB),
    power=312.0,
    power_limit=450.0,
    temperature=67.0,
    temperature_limit=83.0,
    clock=2505.0,
    clock_limit=3120.0,
    memory_clock=10501.0,
    fan=0.43,
    throttles=(),
    pcie_generation=4,
    pcie_generation_limit=4,
    pcie_lanes=8,
    pcie_lanes_limit=16,
    pcie_received=1.2e9,
    pcie_sent=3.4e7,
)
HOT = replace(GPU, temperature=89.0, clock=1410.0, throttles=("heat", "power"), fan=1.0)
SYSTEM = SystemSample(
    cpu=0.31,
    cores=tuple(round(0.15 + 0.8 * abs(math.sin(n * 1.7)), 2) for n in range(16)),
    cpu_own=3.2,
    cpu_clock=4120.0,
    cpu_clock_limit=5200.0,
    cpu_temperature=58.0,
    cpu_throttled=False,
    memory_total=32 * GIB,
    memory_available=14 * GIB,
    memory_own=int(6.8 * GIB),
    swap_total=8 * GIB,
    swap_used=int(0.4 * GIB),
    swapped_in=0.0,
    swapped_out=0.0,
    disk_read=38e6,
    disk_written=1.1e6,
    disk_free=int(212e9),
    disk_total=int(1000e9),
    on_battery=False,
)
ENGINE = EngineSample(
    model="r1-0528-qwen3-8b:Q4_K_M",
    running=1,
    decode=41.3,
    prompt_tokens=812,
    cached_tokens=3_900,
    generated_tokens=41,
    first_token=0.84,
    kv_used=4_096,
    kv_total=16_384,
)
LAST = Last(812.0, 0.84, 0.83)
NO_CARD = HardwareSample(replace(SYSTEM, cpu_temperature=None, cpu_clock_limit=None))


def sample(
    gpus: Sequence[GpuSample] = (GPU,), system: SystemSample = SYSTEM, engine: EngineSample = ENGINE, **more: object
) -> Sample:
    made = Sample(NOW, 5_000.0, 1.0, HardwareSample(system, tuple(gpus)), engine, Traffic(9.4e6, 2.1e4, 310.0, 8.4e3))
    return replace(made, **more)


def course(name: str, start: float, end: float, steps: int, gap: tuple[float, float] = (0.55, 0.7)) -> Series:
    """Something that could have been, with a gap."""
    wild = random.Random(name)
    field = name.rpartition(".")[2]
    top = {
        "use": 0.9, "cpu": 0.4, "memory_used": 7.4 * GIB, "memory_own": 6.8 * GIB, "temperature": 67.0,
        "cpu_temperature": 58.0, "power": 312.0, "decode": 42.0, "prefill": 830.0, "disk_read": 6e7,
        "disk_written": 4e6, "received": 9.4e6, "sent": 2e5, "api_received": 1e3, "api_sent": 9e5,
    }.get(field, 1.0)  # fmt: skip
    steady = field.startswith(("memory", "temp", "cpu_temp"))
    shift = wild.random() * 0.15
    at, low, mean, high = [], [], [], []
    for n in range(steps):
        share = n / steps
        value = top * (0.93 if steady else 0.7) * (1 - shift + 0.12 * math.sin(share * 9 + shift * 40))
        value *= 1 + wild.uniform(-1, 1) * (0.01 if steady else 0.12)
        if not steady and 0.2 < share < 0.3:
            value *= 0.15
        if gap[0] < share < gap[1]:
            value = math.nan
        at.append(start + (end - start) * share)
        mean.append(value)
        spread = top * (0.004 if steady else 0.09) if steps > 300 else 0.0
        low.append(max(0.0, value - spread) if value == value else value)
        high.append(value + spread)
    return Series(name, at, low, mean, high)


def courses(
    picture: MonitorPicture, span: Range = "minutes", zoom: tuple[float, float] | None = None, steps: int = 0
) -> Courses:
    start, end = NOW - SPANS[span], NOW
    count = steps or {"minute": 60, "minutes": 200, "day": 720}[span]
    drawn = [course(name, start, end, count) for name in names(picture.cards)]
    first, last = zoom or (start, end)
    return Courses(drawn, first, last, (start, end))


def days(count: int = 9) -> tuple[Day, ...]:
    models = ("r1-0528-qwen3-8b:Q4_K_M", "r1-distill-qwen-1.5b:Q8_0", "DeepSeek-V2-Lite-Chat-long-name.Q4_K_M")
    made = []
    for n in range(count):
        at = time.localtime(NOW - (n // 2) * 86_400)
        made.append(
            Day(
                time.strftime("%Y-%m-%d", at),
                models[n % 3],
                answers=41 - n % 17,
                prompt_tokens=118_204 + 9_000 * n,
                cached_tokens=1_034_020,
                generated_tokens=48_200 - n * 77,
                prefill=812.0 if n % 3 else None,
                decode=41.3 - n / 10,
                first_token=0.84 + n / 20,
                busy=1_900.0 + n * 700,
                energy=84.0 / (n + 1) if n % 2 else None,
            )
        )
    return tuple(made)


def picture(now: Sample | None = None, **fields: object) -> MonitorPicture:
    made = MonitorPicture(now or sample(), LAST, MODEL, days())
    return replace(made, **fields)


def page(
    shown: MonitorPicture,
    span: Range = "minutes",
    then: Callable[[MonitorPage], object] = lambda _: None,
    drawn: Callable[[MonitorPicture], Courses] | None = None,
) -> Scene:
    def scene(studio: "Studio") -> None:
        made = MonitorPage()
        studio.window.add_page("monitor", made)
        studio.window.show_page("monitor")
        made.segments.choose(span)
        made.show_picture(shown)
        made.show_courses(drawn(shown) if drawn else courses(shown, span))
        then(made)

    return scene


def below(made: MonitorPage) -> None:
    """The plots, and what was pointed at."""
    looks.settle()
    made.verticalScrollBar().setValue(made.plots.y() - 40)


def pointed(made: MonitorPage) -> None:
    below(made)
    for card in made.plots.cards.values():
        card.point_at(NOW - 420)


def foot(made: MonitorPage) -> None:
    looks.settle()
    made.verticalScrollBar().setValue(made.verticalScrollBar().maximum())


def erasing(made: MonitorPage) -> None:
    made.days.erase.click()
    foot(made)


def cards(count: int) -> tuple[GpuSample, ...]:
    made = [
        replace(GPU, key=f"0000:{n:02x}:00.0", name="NVIDIA H100 80GB HBM3", use=0.2 + n / 12, memory_total=80 * GIB)
        for n in range(count)
    ]
    made[3 % count] = replace(made[3 % count], state="lost", use=None, memory_total=None, memory_used=None, power=None,
                              temperature=None, clock=None, memory_clock=None, memory_use=None, fan=None,
                              throttles=None, pcie_generation=None, pcie_received=None, pcie_sent=None)  # fmt: skip
    return tuple(made)


def bare(state: str, name: str) -> GpuSample:
    """A card of which nothing is told but that it is there."""
    return replace(GpuSample(key=name, name=name, vendor="amd"), state=state)


PARTS = (
    replace(GPU, memory_own=None, pcie_received=None, pcie_sent=None, clock_limit=None, power_limit=None, fan=None),
    replace(bare("ok", "AMD Radeon 780M Graphics"), use=0.4, unified=True, memory_total=16 * GIB, memory_used=9 * GIB),
    bare("denied", "Intel Arc A770 Graphics"),
    bare("silent", "AMD Radeon RX 7900 XTX"),
)
SWAPS = replace(
    SYSTEM, memory_available=GIB // 2, swap_used=6 * GIB, swapped_in=84e6, swapped_out=12e6, on_battery=True
)
IDLE = replace(ENGINE, running=0, decode=None, prompt_tokens=0, cached_tokens=0, generated_tokens=0, first_token=None)
TROUBLE = Phrase("What was recorded cannot be read: the disk is full.", "无法读取已记录的数据：磁盘已满。")


def gauge(now: Sample) -> Scene:
    def scene(studio: "Studio") -> None:
        from tests.kit import scenes

        studio.with_conversations()
        studio.messages.reset(scenes.finished(studio.language))
        line = Gauge()
        studio.window.foot.addWidget(line)
        line.show_sample(now)

    return scene


NOTHING = MonitorPicture()
_NO_MODEL = picture(sample(engine=EngineSample()), model="")
SCENES: dict[str, Scene] = {
    "monitor": page(picture()),
    "monitor_plots": page(picture(), "minutes", pointed),
    "monitor_day": page(picture(), "day", below),
    "monitor_zoomed": page(picture(), "day", below, lambda p: courses(p, "day", (NOW - 9_000, NOW - 3_000), 7_200)),
    "monitor_starting": page(NOTHING, "minute", drawn=lambda _: Courses((), NOW - 60, NOW, (NOW - 60, NOW))),
    "monitor_no_gpu": page(picture(sample((), NO_CARD.system, IDLE))),
    "monitor_no_model": page(_NO_MODEL),
    "monitor_eight": page(picture(sample(cards(8)))),
    "monitor_eight_plots": page(picture(sample(cards(8))), "minutes", pointed),
    "monitor_parts": page(picture(sample(PARTS))),
    "monitor_slow": page(picture(sample((HOT,), replace(SWAPS, cpu_throttled=True), replace(ENGINE, waiting=3)))),
    "monitor_trouble": page(
        picture(days=()), "day", foot, lambda _: Courses((), NOW - 60, NOW, (NOW - 60, NOW), TROUBLE)
    ),
    "monitor_days": page(picture(days=days(40)), "minutes", foot),
    "monitor_erasing": page(picture(), "minutes", erasing),
    "monitor_exporting": page(picture(exporting=0.4), "day", below),
    "gauge": gauge(sample()),
    "gauge_idle": gauge(sample((), NO_CARD.system, IDLE)),
}  # fmt: skip
