"""What is known, beside samples, of the machine and of other ways to load the model; and figures as words."""

from dataclasses import dataclass

from backends.core.phrase import Phrase

GIB = 1 << 30
GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Possible:
    """How many whole layers a load would bring onto the graphics cards now, by what is free: as it is loaded, with the
    cache in q8_0, with the longest shorter context that brings more (`shorter` is that context), and if no other
    program held memory there. None: that is no other way, or brings no more."""

    layers: int
    small_kv: int | None = None
    shorter: int | None = None
    shorter_layers: int | None = None
    alone: int | None = None


@dataclass(frozen=True, slots=True)
class Here:
    """`engine_gpus`: names of the cards that the installed engine can compute on; `gpu_layers`: how many are to be
    there by the settings, -1 for as many as fit."""

    engine_gpus: tuple[str, ...] = ()
    gpu_layers: int = -1
    possible: Possible | None = None


def gib(size: float) -> str:
    """Memory: `5.0 GiB`."""
    return f"{size / GIB:.1f} GiB" if size >= 0.95 * GIB else f"{size / (1 << 20):.0f} MiB"


def gb(size: float) -> str:
    """What is read or moved: `4.9 GB`, `310 MB`."""
    if size >= 0.95 * GIGA:
        return f"{size / GIGA:.{0 if size >= 9.95 * GIGA else 1}f} GB"
    return f"{size / 1e6:.{0 if size >= 9.5e6 else 1}f} MB"


def per_s(rate: float) -> str:
    """Tokens a second, as a bare number."""
    return f"{rate:.0f}" if rate >= 9.5 else f"{rate:.1f}"


def percent(share: float) -> str:
    return f"{100 * min(share, 1.0):.0f}"


def ghz(mhz: float) -> str:
    return f"{mhz / 1000:.1f}"


def count(number: int) -> str:
    return f"{number:,}"


def layers_of(layers: int, total: int) -> Phrase:
    """`24 of 36 layers`, `all 36 layers`."""
    if layers >= total:
        return Phrase(f"all {total} layers", f"全部 {total} 层")
    return Phrase(f"{layers} of {total} layers", f" {total} 层中的 {layers} 层")


def joined(*said: Phrase) -> Phrase:
    """Sentences one after the other."""
    return Phrase(" ".join(one.en for one in said if one.en), "".join(one.zh for one in said))
