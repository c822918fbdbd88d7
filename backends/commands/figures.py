"""Numbers and tables as people read them: sizes with units, columns that align with CJK characters too."""

from collections.abc import Sequence

from backends.chat.titles import width
from backends.core.phrase import Language

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(number: int | None) -> str:
    """Bytes in binary units, three figures at most: `5.03 GiB`."""
    if number is None:
        return "–"
    value, unit = float(number), 0
    while value >= 1023.95 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {_UNITS[unit]}"


def rate(tokens_per_s: float, language: Language) -> str:
    figure = f"{tokens_per_s:.0f}" if tokens_per_s >= 20 else f"{tokens_per_s:.1f}"
    return f"{figure} token/秒" if language == "zh" else f"{figure} tokens/s"


def duration(seconds: float, language: Language) -> str:
    """`42 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    units = (" 小时", " 分", " 秒") if language == "zh" else (" h", " min", " s")
    parts = [(hours, units[0]), (minutes, units[1])] if hours else [(minutes, units[1]), (rest, units[2])]
    shown = [f"{number}{unit}" for number, unit in parts if number]
    return " ".join(shown) or f"0{units[2]}"


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), gap: int = 2) -> list[str]:
    """Rows as lines; the columns whose numbers are in `right` are aligned at their right."""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = []
        for column, text in enumerate(row):
            padding = " " * (widths[column] - width(text))
            cells.append(padding + text if column in right else text + padding)
        lines.append((" " * gap).join(cells).rstrip())
    return lines
