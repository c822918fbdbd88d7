"""Made states of the card that says what holds a model back, and scenes of it for `tests.kit.shots`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.holding_picture import HoldingPicture, Work
from app.parts import Page
from app.widgets.limit_card import LimitCard
from backends.core.phrase import Phrase
from backends.hardware.samples import Program
from backends.monitor.holding import Here, Possible, limits
from tests.kit.held_back import GIB, LAPTOP, PC, card, on, seconds, system

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]

ON_PC = Here(("NVIDIA GeForce RTX 3060",))
HELD = card(memory_used=11 * GIB, programs=(Program("blender", 4 * GIB), Program("Xwayland", GIB // 2)))
SHARED = limits(
    seconds(decode=14.0, cards=[HELD]), on(PC, layers=24), Here(ON_PC.engine_gpus, possible=Possible(24, 28, alone=36))
)
UNNAMED = limits(
    seconds(decode=14.0, cards=[card(memory_used=11 * GIB)]),
    on(PC, layers=24),
    Here(ON_PC.engine_gpus, possible=Possible(24, alone=36)),
)
IN_PART = limits(seconds(cards=[card()]), on(PC, layers=24), Here(ON_PC.engine_gpus, possible=Possible(30)))
BANDWIDTH = limits(seconds(decode=6.2), on(LAPTOP))
SWAPPING = limits(
    seconds(decode=1.0, machine=system(swapped_in=30e6, swapped_out=8e6, memory_available=GIB // 2)),
    on(LAPTOP, asked=-1),
)
HOT = limits(
    seconds(decode=30.0, cards=[card(throttles=("heat",), temperature=87.0, clock=1200.0)]), on(PC, layers=36), ON_PC
)
WELL = limits(seconds(decode=30.0, cards=[card(use=0.6)]), on(PC, layers=36), ON_PC)
DONE = Phrase(
    "Loaded again: 36 of 36 layers are on the graphics card instead of 24.",
    "已重新加载：36 层中有 36 层在显卡上（原为 24 层）。",
)
STATES = (
    HoldingPicture(),
    HoldingPicture(limits([], None)),
    HoldingPicture(BANDWIDTH),
    HoldingPicture(SHARED),
    HoldingPicture(SHARED, programs=HELD.programs),
    HoldingPicture(UNNAMED, programs=()),
    HoldingPicture(SWAPPING),
    HoldingPicture(HOT),
    HoldingPicture(IN_PART, work=Work(0.4)),
    HoldingPicture(WELL, result=DONE),
)


def cards(*pictures: HoldingPicture) -> Scene:
    """Below each other, on a page like that of the monitor."""

    def scene(studio: "Studio") -> None:
        page = Page(width=1080)
        for picture in pictures:
            made = LimitCard()
            made.show_picture(picture)
            page.body.addWidget(made)
        page.body.addStretch(1)
        studio.window.add_page("monitor", page)
        studio.window.show_page("monitor")

    return scene


SCENES: dict[str, Scene] = {
    "holding": cards(*STATES[:5]),
    "holding_more": cards(*STATES[5:]),
}
