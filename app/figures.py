"""Numbers with units, in the language of the window."""

from PySide6.QtCore import QCoreApplication, QLocale

_GIB = 1 << 30


def _tr(text: str, n: int = -1) -> str:
    return QCoreApplication.translate("figures", text, None, n)


def file_size(size: int) -> str:
    """Of files and downloads, in decimal units as publishers and disks count: 5.0 GB."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def memory_size(size: int) -> str:
    """Of memory, in binary units as it is sold: 23.4 GiB."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeIecFormat)


def rate(tokens_per_s: float) -> str:
    digits = 1 if tokens_per_s < 10 else 0
    return _tr("%1 tokens/s").replace("%1", QLocale().toString(float(tokens_per_s), "f", digits))


def speed(bytes_per_s: float) -> str:
    return _tr("%1/s").replace("%1", file_size(round(bytes_per_s)))


def tokens(count: int) -> str:
    """A context: 16K."""
    return QLocale().toString(count) if count < 1024 else f"{count // 1024}K"


def percent(fraction: float) -> str:
    return f"{min(max(fraction, 0.0), 1.0):.0%}"


def duration(seconds: float) -> str:
    """Roughly, in the largest unit that says enough: 40 s, 6 min, 1 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 90:
        return _tr("%1 s").replace("%1", str(whole))
    minutes = round(whole / 60)
    if minutes < 60:
        return _tr("%1 min").replace("%1", str(minutes))
    return _tr("%1 h %2 min").replace("%1", str(minutes // 60)).replace("%2", str(minutes % 60))
