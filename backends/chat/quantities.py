"""Numbers and dates as values, however they are written.

1,024 = 1024 = 一千零二十四;  3.2万 = 32,000 = thirty-two thousand;  50% = 50 percent = 百分之五十
October 17, 1973 = 17 October 1973 = 1973-10-17 = 1973年10月17日 = month 10, and 17, and 1973
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "廿": 20}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_WORDS = {word: number for number, word in enumerate(f"{_ONES} eighteen nineteen".split())}
_DECADES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * n for n, word in enumerate(_DECADES.split(), 2)}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
_ORDINAL = {word: number for number, word in enumerate(_ORDINALS.split(), 1)}
_ORDINAL |= {"fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_SCALES |= {"bn": 10**9, "mn": 10**6, "k": 1000}
_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = {name[:size]: n for n, name in enumerate(_MONTH_NAMES.split(), 1) for size in (3, len(name))} | {"sept": 9}

_UNITS = {
    "%": "% percent per-cent percent. ％ 百分比",
    "pp": "percentage-points percentage-point 百分点 个百分点",
    "‰": "‰",
    "USD": "$ US$ dollar dollars usd 美元 美金",
    "EUR": "€ euro euros eur 欧元",
    "GBP": "£ pound pounds gbp 英镑",
    "CNY": "¥ yuan rmb cny 元 人民币 块 块钱",
    "JPY": "yen jpy 日元 日圆",
    "km": "km kilometre kilometres kilometer kilometers 公里 千米",
    "m": "m metre metres meter meters 米 公尺",
    "cm": "cm centimetre centimetres centimeter centimeters 厘米 公分",
    "mm": "mm millimetre millimetres millimeter millimeters 毫米",
    "mile": "mi mile miles 英里",
    "ft": "ft foot feet 英尺",
    "inch": "inch inches 英寸",
    "km/h": "km/h kph kmh kilometres-per-hour kilometers-per-hour 公里/小时 千米/小时 公里每小时 千米每小时",
    "mph": "mph miles-per-hour 英里/小时 英里每小时",
    "m/s": "m/s metres-per-second meters-per-second 米/秒 米每秒",
    "km2": "km2 km² 平方公里 平方千米",
    "m2": "m2 m² 平方米",
    "ha": "ha hectare hectares 公顷",
    "acre": "acre acres 英亩",
    "kg": "kg kilogram kilograms kilo kilos 公斤 千克",
    "g": "g gram grams 克",
    "mg": "mg milligram milligrams 毫克",
    "t": "t ton tons tonne tonnes 吨",
    "lb": "lb lbs",
    "l": "l litre litres liter liters 升 公升",
    "ml": "ml millilitre millilitres milliliter milliliters 毫升",
    "°C": "°c ℃ 摄氏度 celsius",
    "°F": "°f ℉ 华氏度 fahrenheit",
    "s": "s sec second seconds 秒 秒钟",
    "min": "min minute minutes 分钟",
    "h": "h hr hrs hour hours 小时 钟头",
    "d": "day days 天",
    "week": "week weeks 周 星期 个星期",
    "month": "month months 个月",
    "year": "year years years-old 岁",
    "W": "w watt watts 瓦",
    "kW": "kw kilowatt kilowatts 千瓦",
    "MW": "mw megawatt megawatts 兆瓦",
    "Wh": "wh watt-hour watt-hours 瓦时",
    "kWh": "kwh kilowatt-hour kilowatt-hours 千瓦时",
    "MWh": "mwh megawatt-hour megawatt-hours 兆瓦时",
    "GWh": "gwh gigawatt-hours 吉瓦时",
    "Ah": "ah amp-hours 安时",
    "mAh": "mah milliamp-hours 毫安时",
    "V": "v volt volts 伏",
    "A": "amp amps ampere amperes 安",
    "Hz": "hz hertz 赫兹",
    "MPa": "mpa 兆帕",
    "kPa": "kpa 千帕",
    "bar": "bar 巴",
    "N": "n nm",
    "MB": "mb megabyte megabytes",
    "GB": "gb gigabyte gigabytes",
    "TB": "tb terabyte terabytes",
    "times": "times 倍",
}
UNITS = {spelling.replace("-", " "): unit for unit, all_ in _UNITS.items() for spelling in all_.split()}
_UNIT = "|".join(sorted((re.escape(spelling) for spelling in UNITS), key=len, reverse=True))

_CN = "零〇一二三四五六七八九十百千万亿兆两廿"
_MEASURE = (
    "个年月日号名位次种座条只支项部家届所本章集天周岁倍分点台辆架艘层卷册篇场代世国人"
    "度米吨块元省市县区州队站季级类组胜负轮局张把枚颗栋"
)
_MONTH = "|".join(sorted((m for m in _MONTHS if m != "may"), key=len, reverse=True))
_SPELLED = "|".join(sorted({*_WORDS, *_TENS, *_ORDINAL, *_SCALES} - {"k", "bn", "mn", "one"}, key=len, reverse=True))
NUMBER = re.compile(
    rf"""
      (?P<iso>(?<![\d.])(?P<y>\d{{4}})\s?[-/.年]\s?(?P<m>\d{{1,2}})\s?[-/.月]\s?(?P<d>\d{{1,2}})(?![\d.])\s?[日号]?)
    | (?P<zhmonth>(?P<zm>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})\s?月(?!球|亮|饼|刊|票|薪|经))
    | (?P<month>\b(?:(?i:{_MONTH})\b\.?|May\b(?=\s+\d)|(?<=[Ii]n\s)May\b|(?<=\d\s)May\b))
    | (?P<clock>(?<![\d:.])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?![\d:]))
    | (?P<percent>百分之(?P<p>[{_CN}点]+|\d+(?:\.\d+)?))
    | (?:(?P<money>(?:US|HK|C|A)?[$€£¥]|\b(?:EUR|USD|GBP|CNY|JPY)\b)\s?)?(?P<minus>(?<![\w)])[-−]|零下|\b(?i:minus)\s)?
      (?P<figure>(?<![A-Za-z0-9_])(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?)
      (?:(?P<ordinal>st|nd|rd|th|s)\b)?
      (?P<scale>\s?(?:[百千]?(?:[万亿]|兆(?![帕瓦赫欧字比]))|[百千](?![瓦克米帕赫卡伏安])|(?:hundred|thousand|million|billion|trillion|dozen|bn|mn|k)\b))?
      (?:[\s-]?(?P<unit>(?i:{_UNIT})(?![A-Za-z0-9])))?
      (?![A-Za-z_])
    | (?P<cn>第[{_CN}]+|[{_CN}]*[二三四五六七八九十百千万亿兆两廿零〇][{_CN}]*(?:点[{_CN}]+)?|一(?=[日岁]))
      (?P<cnunit>{"|".join(sorted((re.escape(u) for u in UNITS if re.match("[^ -~]", u)), key=len, reverse=True))})?
    | (?P<words>\b(?i:(?:one[\s-](?=hundred|thousand|million|billion|trillion|dozen))?(?:{_SPELLED})
        (?:(?:[\s-](?:and\s)?)(?:{_SPELLED}|one))*)\b)(?:[\s-](?P<wordunit>(?i:{_UNIT})(?![A-Za-z0-9])))?
    """,
    re.VERBOSE,
)


_BEGIN = re.compile(rf"[\d$€£¥−{_CN}第-]|百分之|零下|[A-Za-z]+")
_BEFORE = "us hk c a eur usd gbp cny jpy minus may"
_FIRST = frozenset((*_WORDS, *_TENS, *_ORDINAL, *_SCALES, *_MONTHS)) | frozenset(_BEFORE.split())


def begins(text: str) -> Iterator[int]:
    """Places, in order, at which alone NUMBER can match; some milliseconds of a page are saved."""
    for match in _BEGIN.finditer(text):
        if len(word := match.group()) == 1 or word.lower() in _FIRST or not word.isascii():
            yield match.start()


@dataclass(frozen=True, slots=True)
class Quantity:
    """`value`: normalised ("1024", "0.5"); of a month "m10", of a time "9:30". `unit`: the same in both
    languages, "" if none is known.
    `spelled`: in words, which is not always meant as a number ("second", 三国)."""

    value: str
    unit: str = ""
    spelled: bool = False


def quantities(match: "re.Match[str]") -> tuple[Quantity, ...] | None:
    """What a match of NUMBER says; None if it is no number after all."""
    if match["iso"]:
        if not (1 <= int(match["m"]) <= 12 and 1 <= int(match["d"]) <= 31):
            return None
        month, day, year = int(match["m"]), Decimal(match["d"]), Decimal(match["y"])
        return Quantity(f"m{month}"), Quantity(_plain(day)), Quantity(_plain(year))
    if match["zhmonth"]:
        month = match["zm"]
        number = int(month) if month.isdecimal() else chinese(month)
        if number is None:
            return None
        return (Quantity(f"m{number}" if 1 <= number <= 12 else str(number)),)
    if match["month"]:
        return (Quantity(f"m{_MONTHS[match['month'].rstrip('.').lower()]}"),) if match["month"][0].isupper() else None
    if match["clock"]:
        return (Quantity(f"{int(match['hour'])}:{match['minute']}"),)
    if match["percent"]:
        share = Decimal(match["p"]) if match["p"][0].isdecimal() else chinese(match["p"])
        return None if share is None else (Quantity(_plain(Decimal(share)), "%"),)
    if match["figure"]:
        return (_figure(match),)
    if match["cn"]:
        return _chinese(match)
    number = _spelled(match["words"].lower())
    unit = UNITS.get((match["wordunit"] or "").lower(), "")
    return None if number is None else (Quantity(_plain(Decimal(number)), unit, spelled=True),)


def _figure(match: "re.Match[str]") -> Quantity:
    value = Decimal(match["figure"].replace(",", ""))
    for part in re.findall(r"[百千万亿兆]|[a-z]+", (match["scale"] or "").lower()):
        value *= _SCALES.get(part) or _SMALL.get(part) or _LARGE[part]
    unit = UNITS.get((match["unit"] or "").lower().replace("-", " "), "")
    if not unit and match["money"]:
        unit = UNITS.get(match["money"].lower()) or UNITS[match["money"][-1]]
    if match["minus"]:
        value = -value
    return Quantity(_plain(value), unit)


def _chinese(match: "re.Match[str]") -> tuple[Quantity, ...] | None:
    text, unit = match["cn"], match["cnunit"] or ""
    following = match.string[match.end("cn") : match.end("cn") + 1]
    numeral = text.removeprefix("第")
    if len(numeral) == 1 and text == numeral and following not in _MEASURE:
        return None
    before = match.string[max(0, match.start("cn") - 1) : match.start("cn")]
    if len(text) == 1 and not following and "\u3400" <= before <= "\u9fff":
        return None  # a name that ends so
    if numeral[0] in "百千万亿兆" and text == numeral:  # 万一, 千万, 百姓
        return None
    number = chinese(numeral)
    return None if number is None else (Quantity(_plain(Decimal(number)), UNITS.get(unit, ""), spelled=True),)


def chinese(text: str) -> Decimal | None:
    """一千零二十四 -> 1024, 三点五 -> 3.5, 一九七三 -> 1973; None if it is no numeral."""
    whole, _, fraction = text.partition("点")
    if not whole or any(c not in _DIGITS for c in fraction):
        return None
    after = "".join(str(_DIGITS[c]) for c in fraction)
    if all(c in _DIGITS for c in whole):
        number = int("".join(str(_DIGITS[c]) for c in whole))
    else:
        total = section = digit = 0
        for c in whole:
            if c in _DIGITS:
                digit = _DIGITS[c]
            elif c in _SMALL:
                section += (digit or 1) * _SMALL[c]
                digit = 0
            elif c in _LARGE:
                section += digit
                total = (
                    (total + section if section or total else 1) * _LARGE[c]
                    if c != "万"
                    else (total + (section or 1) * _LARGE[c])
                )
                section = digit = 0
            else:
                return None
        number = total + section + digit
    return Decimal(f"{number}.{after}" if after else number)


def _spelled(text: str) -> int | None:
    total = current = 0
    seen = False
    for word in re.split(r"[\s-]+", text):
        if word == "and":
            continue
        if word in _SCALES:
            current = max(current, 1) * _SCALES[word]
            if word not in ("hundred", "dozen"):
                total, current = total + current, 0
        else:
            current += _WORDS.get(word) or _TENS.get(word) or _ORDINAL.get(word) or 0
        seen = True
    return total + current if seen else None


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
