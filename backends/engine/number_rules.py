"""Numbers between two bounds, as rules of a grammar: digit by digit."""

from dataclasses import dataclass

_MOST_DIGITS = 18
_FRACTION = '("." [0-9]{1,15})?'


class NotWritable(Exception):
    """No rule can say this."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """None: there is none on this side. `above` and `below`: the bound itself is out."""

    low: float | None
    high: float | None
    above: bool = False
    below: bool = False


def integers(bounds: Bounds) -> str:
    low, high = bounds.low, bounds.high
    least = None if low is None else int(low // 1 + (1 if bounds.above or low % 1 else 0))
    most = None if high is None else int(high // 1 - (1 if bounds.below and not high % 1 else 0))
    ways = []
    if most is None or most >= 0:
        ways.append(_range(max(least or 0, 0), most))
    if least is None or least < 0:
        ways.append(f'"-" ({_range(max(1, 1 if most is None else -most), None if least is None else -least)})')
    return _any(ways)


def numbers(bounds: Bounds) -> str:
    """Bounds are whole numbers, else NotWritable."""
    low, high = (_whole(bound) for bound in (bounds.low, bounds.high))
    ways = []
    if high is None or high >= 0:
        floor = max(low or 0, 0)
        ways.append(_magnitude(floor, high, bounds.above and low == floor, bounds.below))
    if low is None or low < 0:
        ceiling = max(0, 0 if high is None else -high)
        above = bounds.below or ceiling == 0
        rest = _magnitude(ceiling, None if low is None else -low, above, bounds.above)
        ways.append(f'"-" ({rest})' if rest else "")
    return _any(ways)


def _magnitude(low: int, high: int | None, above: bool, below: bool) -> str:
    ways = []
    if above and (high is None or low < high):
        ways.append(f'"{low}." "0"{{0,14}} [1-9] [0-9]{{0,14}}')
    first = low + 1 if above else low
    if high is None:
        ways.append(f"({_range(first, None)}) {_FRACTION}")
    else:
        if first <= high - 1:
            ways.append(f"({_range(first, high - 1)}) {_FRACTION}")
        if not below and first <= high:
            ways.append(f'"{high}" ("." "0"{{1,15}})?')
    return " | ".join(ways)


def _range(low: int, high: int | None) -> str:
    """Whole numbers from 0 up."""
    if len(str(low)) > _MOST_DIGITS or (high is not None and len(str(high)) > _MOST_DIGITS):
        raise NotWritable
    digits = len(str(low))
    if high is None:
        return f"{_alike(str(low), '9' * digits)} | [1-9] [0-9]{{{digits},{_MOST_DIGITS}}}"
    ways = []
    for count in range(digits, len(str(high)) + 1):
        first, last = max(low, 10 ** (count - 1) if count > 1 else 0), min(high, 10**count - 1)
        if first <= last:
            ways.append(_alike(str(first), str(last)))
    return " | ".join(ways)


def _alike(low: str, high: str) -> str:
    """Numbers of as many digits as both bounds have."""
    if low == high:
        return f'"{low}"'
    rest = len(low) - 1
    if not rest:
        return f"[{low}-{high}]"
    if low[0] == high[0]:
        return f'"{low[0]}" ({_alike(low[1:], high[1:])})'
    first, last, ways = int(low[0]), int(high[0]), []
    if low[1:] != "0" * rest:
        ways.append(f'"{first}" ({_alike(low[1:], "9" * rest)})')
        first += 1
    top = high[1:] != "9" * rest
    if first <= last - top:
        ways.append(f"[{first}-{last - top}] [0-9]{{{rest}}}")
    if top:
        ways.append(f'"{last}" ({_alike("0" * rest, high[1:])})')
    return " | ".join(ways)


def _whole(bound: float | None) -> int | None:
    if bound is not None and bound % 1:
        raise NotWritable
    return None if bound is None else int(bound)


def _any(ways: list[str]) -> str:
    """NotWritable if there is none."""
    if not any(ways):
        raise NotWritable
    return " | ".join(filter(None, ways))
