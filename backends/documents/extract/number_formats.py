"""A number as a sheet shows it, by the code of its format (ECMA-376 part 1, 18.8.30 and 18.8.31)."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

BUILT_IN = {
    **{
        0: "General",
        1: "0",
        2: "0.00",
        3: "#,##0",
        4: "#,##0.00",
        9: "0%",
        10: "0.00%",
        11: "0.00E+00",
        48: "##0.0E+0",
    },
    **dict.fromkeys((14, 15, *range(27, 32), 36, 50, 51, 52, 53, 54, 57, 58), "yyyy-mm-dd"),
    **{16: "m-d", 17: "yyyy-mm", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm"},
    **{32: "h:mm", 33: "h:mm:ss", 34: "h:mm", 35: "h:mm:ss", 55: "h:mm", 56: "h:mm:ss", 45: "mm:ss", 46: "[h]:mm:ss"},
    **{
        37: "#,##0;-#,##0",
        38: "#,##0;-#,##0",
        39: "#,##0.00;-#,##0.00",
        40: "#,##0.00;-#,##0.00",
        47: "mm:ss",
        49: "@",
    },
}
_TOKEN = re.compile(
    r'"([^"]*)"?|\\(.)|[_*].|\[\$([^\-\]]*)[^\]]*\]|\[(h+|m+|s+)\]|\[[^\]]*\]|(General|AM/PM|A/P|.)', re.I | re.S
)
_DIGITS = re.compile("[#0?](?:[#0?,]*[#0?])?")
_ZERO_1900, _ZERO_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_LAST_DAY = 2_958_466  # 9999-12-31 and a day
_LONGEST = 255  # characters of a code


def general(value: float) -> str:
    """15 digits, as sheets compute: 0.1 + 0.2 is 0.3."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def shown(code: str, since_1904: bool = False) -> Callable[[float], str]:
    """How a format writes numbers. Dates are written as ISO 8601, or in Chinese where the format is."""
    parts = _sections(code[:_LONGEST])
    above, below = _section(parts[0], since_1904), _section(parts[1], since_1904) if len(parts) > 1 else None

    def written(value: float) -> str:
        if value < 0 and below is not None:
            return below(-value)
        return above(value)

    return written


def _sections(code: str) -> list[list[tuple[str, str]]]:
    """Its sections, each of ("literal" or "elapsed" or "code", text)."""
    parts: list[list[tuple[str, str]]] = [[]]
    for quoted, escaped, symbol, elapsed, plain in _TOKEN.findall(code):
        if plain == ";":
            parts.append([])
        elif plain:
            parts[-1].append(("code", plain))
        elif elapsed:
            parts[-1].append(("elapsed", elapsed))
        elif quoted or escaped or symbol:
            parts[-1].append(("literal", quoted or escaped or symbol))
    return parts


def _section(tokens: list[tuple[str, str]], since_1904: bool) -> Callable[[float], str]:
    plain = "".join(text for kind, text in tokens if kind == "code")
    literal = "".join(text for kind, text in tokens if kind == "literal")
    if any(kind == "elapsed" for kind, _ in tokens):
        return _elapsed
    small = plain.lower().replace("general", "")
    if re.search("[ymdhs]", small) and not re.search("[#0?]", small.replace(".0", "").replace(".00", "")):
        return _moment(small, literal + plain, since_1904)
    digits = _DIGITS.search(plain)
    if digits is None or "/" in plain or "general" in plain.lower():
        before, after = _around(tokens, "G")
        return lambda value: f"{before}{general(value)}{after}" if digits is None else general(value)
    before, after = _around(tokens, "#0?.,")
    whole, _, rest = plain[digits.start() :].partition(".")
    decimals = re.match("[#0?]*", rest)
    most, least = len(decimals[0]) if decimals else 0, (decimals[0] if decimals else "").count("0")
    wide, thousands = whole.count("0"), "," in digits[0]
    scale = 100.0 ** plain.count("%") / 1000.0 ** len((re.search(",+(?=[^#0?,]*$)", whole) or [""])[0])
    if "E" in plain.upper():
        return lambda value: f"{value:.{most}E}"

    def written(value: float) -> str:
        text = f"{abs(value * scale):,.{most}f}" if thousands else f"{abs(value * scale):.{most}f}"
        if most > least:
            kept = text.rstrip("0")
            text = text[: max(len(kept), len(text) - most + least)].rstrip(".")
        if wide > 1 and not thousands:
            text = text.zfill(wide + (1 + most if "." in text else 0))
        return f"{'-' if value < 0 else ''}{before}{text}{after}"

    return written


def _around(tokens: list[tuple[str, str]], digits: str) -> tuple[str, str]:
    """What stands before the digits, and what after them."""
    places = [at for at, (kind, text) in enumerate(tokens) if kind == "code" and text[0].upper() in digits]
    first, last = (places[0], places[-1]) if places else (len(tokens), len(tokens))
    kept = [text if kind == "literal" or text in "%$¥€£()+- " else "" for kind, text in tokens]
    return "".join(kept[:first]).lstrip(), "".join(kept[last + 1 :]).rstrip()


def _moment(small: str, everything: str, since_1904: bool) -> Callable[[float], str]:
    year, day = "y" in small, "d" in small
    hour, second = "h" in small, "s" in small
    month = "m" in small and (year or day or not (hour or second))
    chinese = "年" in everything or "月" in everything
    zero = _ZERO_1904 if since_1904 else _ZERO_1900

    def written(value: float) -> str:
        if not -_LAST_DAY < value < _LAST_DAY - (1462 if since_1904 else 0):
            return general(value)
        try:
            when = zero + timedelta(seconds=round(value * 86400))
        except OverflowError:
            return general(value)
        said = []
        if chinese and (year or month or day):
            text = f"{when.year}年" if year else ""
            said.append(text + (f"{when.month}月" if month else "") + (f"{when.day}日" if day else ""))
        elif year or month or day:
            parts = (f"{when.year:04d}" if year else "", f"{when.month:02d}" if month else "")
            said.append("-".join(filter(None, (*parts, f"{when.day:02d}" if day else ""))))
        if hour or second:
            said.append(f"{when.hour:02d}:{when.minute:02d}" + (f":{when.second:02d}" if second else ""))
        return " ".join(said)

    return written


def _elapsed(value: float) -> str:
    seconds = round(abs(value) * 86400)
    return f"{'-' if value < 0 else ''}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
