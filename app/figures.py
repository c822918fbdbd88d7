"""Numbers, with units, and dates, in the language of the window."""

import re
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale

_BETWEEN_CHINESE = re.compile("(?<=[\u2e80-\uffef])|(?=[\u2e80-\uffef])")
Form = Callable[[float], str]
_STEADY_FROM = 10.0  # digits behind the point of larger numbers only flicker


def number(count: int) -> str:
    """12,345"""
    return QLocale().toString(count)


def day(at: float, *, year: bool = False) -> str:
    """Of seconds since 1970: 22 Nov, 11月22日; with the year, if asked for or if it was another one: 22 Nov 2025."""
    date = QDateTime.fromSecsSinceEpoch(int(at)).date()
    if year or date.year() != QDate.currentDate().year():
        return QLocale().toString(date, QCoreApplication.translate("figures", "d MMM yyyy"))
    return QLocale().toString(date, QCoreApplication.translate("figures", "d MMM"))


def file_size(size: int) -> str:
    """Of files and downloads, in decimal units as publishers and disks count: 5.0 GB."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def memory_size(size: int) -> str:
    """Of memory, in binary units as it is sold: 23.4 GiB."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeIecFormat)


def rate(tokens_per_s: float) -> str:
    """46 tokens/s."""
    digits = 0 if tokens_per_s >= _STEADY_FROM else 1
    number = QLocale().toString(float(tokens_per_s), "f", digits)
    return QCoreApplication.translate("figures", "%1 tokens/s").replace("%1", number)


def speed(bytes_per_s: float) -> str:
    """Of a download: 9.4 MB/s, 38 MB/s."""
    mantissa = float(bytes_per_s)
    while mantissa >= 1000:
        mantissa /= 1000
    digits = 0 if mantissa >= _STEADY_FROM else 1
    size = QLocale().formattedDataSize(round(bytes_per_s), digits, QLocale.DataSizeFormat.DataSizeSIFormat)
    return QCoreApplication.translate("figures", "%1/s").replace("%1", size)


def tokens(count: int) -> str:
    """A context: 16K."""
    return QLocale().toString(count) if count < 1024 else f"{count // 1024}K"


def count(number: int) -> str:
    """Of downloads and the like: 940, 12.4K, 1.2M."""
    for least, letter in ((1_000_000, "M"), (1_000, "K")):
        if number >= least:
            digits = 1 if number < 100 * least else 0
            return f"{QLocale().toString(number / least, 'f', digits)}{letter}"
    return QLocale().toString(number)


def percent(fraction: float) -> str:
    """40%, in both languages without a space."""
    return f"{int(min(max(fraction, 0.0), 1.0) * 100)}%"


def duration(seconds: float) -> str:
    """Roughly, in the largest unit that says enough: 40 s, 6 min, 1 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 90:
        return QCoreApplication.translate("figures", "%1 s").replace("%1", str(whole))
    minutes = round(whole / 60)
    if minutes < 60:
        return QCoreApplication.translate("figures", "%1 min").replace("%1", str(minutes))
    words = QCoreApplication.translate("figures", "%1 h %2 min")
    return words.replace("%1", str(minutes // 60)).replace("%2", str(minutes % 60))


def moment(seconds: float) -> str:
    """Of what is over soon: 0.05 s, 1.2 s."""
    if seconds >= 10:
        return duration(seconds)
    number = QLocale().toString(max(seconds, 0.01), "f", 1 if seconds >= 1 else 2)
    return QCoreApplication.translate("figures", "%1 s").replace("%1", number)


def line(*words: str) -> str:
    """Figures side by side; what is empty is left out. A figure is never broken over two lines."""
    return "\u00a0\u00a0·  ".join(_together(word) for word in words if word)


def _together(word: str) -> str:
    """Chinese may be broken anywhere, so word joiners stand between."""
    word = word.replace(" ", "\u00a0")
    return _BETWEEN_CHINESE.sub("\u2060", word)


def temperature(degrees: float) -> str:
    """61 °C."""
    return f"{round(degrees)} °C"


def power(watts: float) -> str:
    """182 W, 8.4 W."""
    return f"{QLocale().toString(float(watts), 'f', 0 if watts >= _STEADY_FROM else 1)} W"


def clock(megahertz: float) -> str:
    """2,505 MHz."""
    return f"{number(round(megahertz))} MHz"


def decimal(value: float, digits: int = 1) -> str:
    """3.2"""
    return QLocale().toString(float(value), "f", digits)
