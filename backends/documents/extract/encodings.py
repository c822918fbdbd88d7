"""Which encoding a text is in, and the text.

What says so itself is believed if it holds: a byte order mark, UTF-8 that decodes, a declaration that decodes. Else
every candidate decodes a sample, and the one whose characters look most like text is taken: the double-byte sets put
common characters into other rows than rare ones, so a wrong one gives rare characters.
"""

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 1 << 18  # bytes that are decoded at once
_SAMPLE = 1 << 15  # bytes that are looked at closely
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BROADER = {  # what is called by a name, and what is meant: the set that contains it
    **dict.fromkeys(("gb2312", "gbk", "hz", "cp936", "euc_cn"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift_jisx0213", "ms_kanji", "x-sjis"), "cp932"),
    **dict.fromkeys(("euc_kr", "ks_c-5601-1987", "ks_c_5601-1987"), "cp949"),
    **dict.fromkeys(("iso8859-1", "ascii", "latin_1"), "cp1252"),
    **dict.fromkeys(("iso8859-9",), "cp1254"),
}
_DOUBLE = ("gb18030", "big5", "cp950", "big5hkscs", "cp932", "euc_jp", "cp949")
_SINGLE = ("cp1252", "cp1251", "koi8-r", "cp1250", "cp1253", "cp1254")
_WIDTHS = ("utf-16-le", "utf-16-be")
_ROWS = {  # first bytes of the rows that hold the common characters of a set
    "gb18030": (0xB0, 0xD7),  # GB 2312, level 1
    "big5": (0xA4, 0xC6),  # level 1
    "cp950": (0xA4, 0xC6),
    "big5hkscs": (0xA4, 0xC6),
    "cp932": (0x88, 0x97),  # JIS X 0208, level 1
    "euc_jp": (0xB0, 0xCF),
    "cp949": (0xB0, 0xC8),  # KS X 1001, syllables
}
_COMMON = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天"
    "而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与"
    "高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东"
    "政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张"
    "活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接"
    "它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言"
    "這來國個說們為時會學對後麼過發見經開無實當動樣現將長話點從與問機給幾業間電門東兩種聲關場師書員並內萬處總體頭進軍"
    "產報馬張難數車應親務記邊風戰幹許覺題統請愛讓認論義術結連遠資隊帶條變聯該類準區單廣選費務組導處權確備質運環級據"
    "のにはをたがでてとしれさいるなもすあこっらりまくきんけよだせうそつみやめどわびちべぱずげ、。ー"
    "이다는의을에가고하지를은한로도사어기자나시그대리아일인해전정수과부스들서라만니있면보주"
    "，。、；：“”（）《》「」"
)
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufff0-\uffff]")
_WORD = re.compile(r"[^\W\d_]+")
_JAPANESE = ("cp932", "euc_jp")
_KANA = re.compile("[\u3041-\u30fe]")
_ASCII = re.compile(rb"[\x00-\x7f]*")
_HALF_KANA = re.compile("[\uff61-\uff9f]")


def guess(data: bytes, declared: str = "") -> str:
    """The name of a codec that decodes `data`, or nearly. `declared`: what the text says of itself."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if b"\x1b$" in data[:_SAMPLE]:
        return "iso2022_jp"
    if data.isascii() and 0 not in data:
        return "utf-8"
    sample = data[:_SAMPLE]
    if _is_utf8(sample):
        return "utf-8"
    if declared and (known := _known(declared)) and not known.startswith("utf") and _decoded(sample, known) is not None:
        return known
    scores = {name: _double_score(sample, name) for name in _DOUBLE}
    scores |= {name: _single_score(sample, name) for name in _SINGLE}
    scores |= {name: _wide_score(sample, name) for name in _WIDTHS}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else "cp1252"


def decoded(data: bytes, declared: str = "") -> str:
    """The text, without a byte order mark; what cannot be decoded is U+FFFD."""
    return data.decode(guess(data, declared), "replace")


def blocks(file: BinaryIO, declared: str = "") -> Iterator[str]:
    """The text of a file in blocks, however long it is, its lines ended by line feeds. What begins with plain ASCII is
    judged by what comes later."""
    block = file.read(BLOCK)
    decoder = None
    ends = io.IncrementalNewlineDecoder(None, translate=True)
    while block:
        if decoder is None and (not block.isascii() or 0 in block or b"\x1b$" in block):
            strange = _ASCII.match(block)
            start = strange.end() if strange and 0 not in block[:_SAMPLE] else 0
            sample = block[max(0, start - 1) :] if start > _SAMPLE // 2 else block
            decoder = codecs.getincrementaldecoder(guess(sample, declared))("replace")
        yield ends.decode(decoder.decode(block) if decoder else block.decode("ascii"))
        block = file.read(BLOCK)
    yield ends.decode(decoder.decode(b"", final=True) if decoder else "", final=True)


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return ""
    return _BROADER.get(name, name)


def _decoded(sample: bytes, name: str) -> str | None:
    """The sample, whose last character may be cut; None if it is not in this encoding."""
    try:
        return codecs.getincrementaldecoder(name)().decode(sample)
    except (UnicodeDecodeError, LookupError, AttributeError):
        return None


def _is_utf8(sample: bytes) -> bool:
    """Also if a few places are broken: nothing else gives sequences of UTF-8 by chance."""
    if _decoded(sample, "utf-8") is not None:
        return 0 not in sample or sample.count(0) * 50 < len(sample)
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(1 for character in text if character > "\x7f") - broken > 20 * broken


def _double_score(sample: bytes, name: str) -> float:
    """From 0 to about 1.5: how many of the characters are common ones, and how many the very commonest."""
    text = _decoded(sample, name)
    if text is None:
        return -1
    wide = [character for character in text if character > "\x7f"]
    if not wide or _NOT_TEXT.search(text):
        strange = len(_NOT_TEXT.findall(text))
        if not wide or strange * 50 > len(wide):
            return -1
    low, high = _ROWS[name]
    score = 0.0
    for character in wide:
        if character in _COMMON:
            score += 1.5
        elif _HALF_KANA.match(character):
            score -= 0.5
        else:
            code = character.encode(name, "replace")
            score += (
                (0.85 if name == "cp949" else 0.8)
                if low <= code[0] <= high
                else 0.3
                if "\u3000" <= character <= "\u30ff"
                else -0.6
            )
    unlike = (name in _JAPANESE and not _KANA.search(text)) or (name == "cp949" and len(wide) > 6 and " " not in text)
    return score / len(wide) - (0.5 if unlike else 0)  # no kana in Japanese, no space in Korean


def _single_score(sample: bytes, name: str) -> float:
    """From 0 to 1: letters of one script a word, small ones inside words."""
    text = _decoded(sample, name)
    if text is None or _NOT_TEXT.search(text):
        return -1
    high = sum(1 for character in text if character > "\x7f")
    good = 0.0
    for word in _WORD.findall(text):
        strange = [character for character in word if character > "\x7f"]
        if not strange:
            continue
        latin = len(word) - len(strange)
        if name in ("cp1251", "koi8-r", "cp1253"):
            foreign = latin or any(character < "\u0370" for character in strange)
            good += 0 if foreign or not word[1:].islower() else 0.8 * len(strange)
        elif latin >= len(strange) and (word[1:].islower() or word.isupper()):
            good += len(strange) * (0.9 if name == "cp1252" else 0.6)
    quotes = sum(1 for character in text if character in "“”‘’–—…«»°§·©®€£") if name == "cp1252" else 0
    return (good + 0.6 * quotes) / max(1, high)


def _wide_score(sample: bytes, name: str) -> float:
    """UTF-16 without a mark: zero bytes on one side, or common characters all along."""
    text = _decoded(sample, name)
    if text is None or (len(sample) % 2 and len(sample) < _SAMPLE) or _NOT_TEXT.search(text):
        return -1
    good = sum(
        1.4 if character in _COMMON or character < "\x7f" else 0.2 if "\u4e00" <= character < "\u9fa6" else -0.5
        for character in text
    )
    return good / max(1, len(text))
