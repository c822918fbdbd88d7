"""What holds the model back: sentences made from the figures of the last seconds, the most important first.

    limits(samples, running, here)[0].sentence
    # Memory bandwidth: the model reads 4.9 GB for each token. 41 GB/s of at most 48 GB/s of main memory are used …

Pure rules: samples in, sentences out. What is wrong comes before what is merely so: full memory, the disk, a card that
is there and not used, heat, layers that are not on the card and why, a battery, others that wait; then what decides
the pace of what is done: a prompt, a power limit, bandwidth, arithmetic. A rule that lacks a figure says nothing, and
where none says anything that is said too.
"""

from collections.abc import Sequence

from backends.core.phrase import Phrase
from backends.monitor import holding_machine, holding_pace, holding_place
from backends.monitor.holding_facts import Here, Possible
from backends.monitor.reading import Running
from backends.monitor.stretch import Stretch
from backends.monitor.types import Limit, Sample

__all__ = ["Here", "Possible", "limits"]

_IN_FULL = 0.85  # of the bandwidth in use: then a power limit costs nothing
_STALLS = ("swapping", "disk", "heat", "power", "battery")
_WAS_TOLD = 0.5  # of the time goes into layers on the processor: that is what the bandwidth is about


def limits(samples: Sequence[Sample], running: Running | None, here: Here | None = None) -> tuple[Limit, ...]:
    """At least one. `running` None: no model is loaded. Only the newest seconds of `samples` count (`stretch`)."""
    stretch, here = Stretch(samples), here or Here()
    if running is None:
        return (*holding_machine.of_memory(stretch, None), _no_model())
    found = [*holding_machine.of_memory(stretch, running)]
    places = list(holding_place.causes(stretch, running, here))
    found += [one for one in places if one.kind == "unused_gpu"]
    if not stretch.busy:
        return (*found, *(one for one in places if one not in found), _idle())
    found += holding_machine.of_heat(stretch, running)
    found += [one for one in places if one not in found]
    found += holding_machine.of_battery(stretch, running)
    found += holding_pace.of_waiting(stretch, running)
    found += _of_pace(stretch, running, here, found)
    return tuple(found)


def _of_pace(stretch: Stretch, running: Running, here: Here, found: Sequence[Limit]) -> list[Limit]:
    """What decides the pace; `nothing` and `unknown` only where nothing else was found."""
    power = list(holding_machine.of_power(stretch, running))
    if prompt := list(holding_pace.of_prompt(stretch, running, here)):
        return [*prompt, *power]
    pace = holding_pace.of_decoding(stretch, running)
    if pace.kind == "compute" and any(one.kind in _STALLS for one in [*found, *power]):
        return power  # threads and cards seem busy while they wait, too
    if pace.kind in ("nothing", "unknown"):
        return [*power, *(() if found or power else (pace,))]
    if pace.kind == "bandwidth":
        if any(one.kind == "cpu_layers" and (one.share or 0.0) >= _WAS_TOLD for one in found):
            return power
        pace = holding_pace.with_advice(pace, running)
        return [pace, *(() if (pace.share or 0.0) >= _IN_FULL else power)]
    return [*power, pace]


def _no_model() -> Limit:
    return Limit("no_model", Phrase("No model is loaded.", "没有加载模型。"), "choose_model")


def _idle() -> Limit:
    return Limit("idle", Phrase("No answer is being written.", "当前没有正在生成的回答。"))
