"""Ways of saying the same that differ in small words alone: each is rewritten as one of them, and then compared.

    "has to be paid by 14 May at the latest" -> "must be paid notafter 14 May"
    达到71.8%, 为71.8% -> 为71.8%;  由22%提升至31%, 从22%提高到了31% -> 从22%升至31%

The table is small and closed: only what says the same whatever stands around it. Words that stand for each other in
some places alone are the business of `changed`.
"""

import re
from functools import cache

_NUMBER = (
    r"(?=[$€£¥]?\d|(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|one|a hundred|half)\b)"
)
_COUNTED = (
    r"((?:[$€£¥]\s?)?(?:\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety)(?:\s?(?:%|percent|million|billion|hundred|thousand))?"
    r"(?:\s(?!or\b)[a-z]+)?)"
)
_DATE = (
    r"((?:the end of )?(?:\d{1,2}(?:st|nd|rd|th)?(?: of)? )?(?:January|February|March|April|May|June|July|August|"
    r"September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)?"
    r"(?: ?\d{1,2}\b)?(?:,? ?\d{4})?)"
)
_ENGLISH = (
    # obligations; "does not have to" is none
    ("has to/have to/need/required to",
     r"(?<!not )(?<!n't )\b(?:has to|have to|needs to|need to|is required to|are required to)\b", "must"),
    ("not exceed/not be more",
     r"\b(must|shall|may|should|can|will) (?:not exceed|not be more than)\b", r"\1 be at most"),
    ("not exceed", r"\b(?:does|do) not exceed\b", "is at most"),
    # bounds
    ("less than/fewer than", rf"\b(?:no|not) (?:less|fewer) than {_NUMBER}", "at least "),
    ("more than", rf"\b(?:(?:do|must|shall|may|should|can) not|never) (?!be\b)(\w+) more than {_NUMBER}",
     r"\1 at most "),
    ("more than", rf"\b(?:no|not|never) more than {_NUMBER}", "at most "),
    ("maximum of", rf"\b(?:up to )?a maximum of {_NUMBER}", "at most "),
    ("minimum of", rf"\ba minimum of {_NUMBER}", "at least "),
    (" or ", rf"\b{_COUNTED} or (?:more|longer|older|over|above)\b", r"at least \1"),
    (" or ", rf"\b{_COUNTED} or (?:less|fewer|shorter|younger|under|below)\b", r"at most \1"),
    ("er than/less than/below ", rf"\b(?:less|fewer|lower|younger) than {_NUMBER}|\bbelow {_NUMBER}", "under "),
    ("later than", r"\b(?:no|not) later than\b", "notafter"),
    ("at the latest", rf"\bby {_DATE} at the latest\b", r"notafter \1"),
    # conditions
    ("long as/providing/on condition/provided",
     r"\b(?:as|so) long as\b|\bproviding(?: that)?\b|\bon condition that\b|"
     r"\bprovided(?= (?!by|for|with))(?: that)?\b", "provided that"),
    ("only once/only after", r"\bonly (?:once|after)\b", "only when"),
    # estimates
    ("roughly/approx/circa/around", rf"\b(?:roughly|approximately|circa|approx\.?|around) {_NUMBER}", "about "),
    ("thought to/assumed to/considered to", r"\b(is|are|was|were) (?:thought|assumed|considered) to\b",
     r"\1 believed to"),
    # one and the same word
    ("one ", r"\bone(?= (?:litre|liter|kilogram|kilo|gram|metre|meter|kilometre|kilometer|mile|hour|minute|week|month|"
             r"year)\b)", "1"),
    ("failure to/failing to", r"\b(?:failure|failing) to\b", "fail to"),
    ("punish", r"\b(?:is|are) punishable (?:by|with)\b|\bcan be punished by\b", "can be punished with"),
    ("able", r"\b(?:is|are) (refund|renew)able\b", r"can be \1ed"),
    (" late",
     r"\b(is|are|was|were) ((?:(?:more than|over|under|less than|at least|at most|up to|about) )?\w+ (?:working )?"
     r"(?:minutes?|hours?|days?|weeks?|months?|years?)) late\b", r"\1 delayed by \2"),
)  # fmt: skip
_MORE = "提升|提高|上升|上涨|增长|增加|升高|上调|扩大"
_LESS = "下降|降低|下跌|减少|回落|下调|缩减"
_CN = "[一二三四五六七八九十百千两]"
_ADJECTIVE = (
    "高大小低多少好差为长短强弱快慢早晚轻重易难新旧近远深浅宽窄厚薄严安平稳完全良优劣热冷暖凉干湿密稀富贫复简有不"
)
_FIGURE = rf"(?=(?:每(?:分钟|小时|秒|天|日|周|年|月|次|人)?)?约?\s?[$€£¥]?\d|约?{_CN}+[万亿个年月天日周%])"
_TO_DO = "(?=[于在先将把立及经向按提])"
_CHINESE = (
    ("之", "之(?=[前后内间])(?!间的)", ""),
    ("约/概", "大约|大概|约莫|约为(?=\\s?\\d)", "约"),
    ("到/至", rf"(?:{_MORE})了?(?:到了?|至)", "升至"),
    ("到/至", rf"(?:{_LESS})了?(?:到了?|至)", "降至"),
    ("由", r"(?<![自理])由(?=[^,。;!?]{1,20}(?:升至|降至|改到|改为|改至|变为|变成|延长|缩短|调整))", "从"),
    ("达", rf"(?<![未没不难否])(?:达到了?|达(?![成标州拉尔]))(?:为)?{_FIGURE}", "为"),
    ("是", rf"(?<![不只就还也都仍便像而即倒老总可])是{_FIGURE}", "为"),
    ("仅/只", rf"(?:仅仅|仅|只)(?:为|有|是){_FIGURE}", "仅"),
    ("较", rf"(?<![比相计])较(?![{_ADJECTIVE}劲量真])", "比"),
    (
        "少/于/短",
        rf"(?:不[得应能可]?(?:少于|低于|小于|短于)|起码|最少|至少)(?:为|要|是|有|需要?)?(?=约?\s?(?:\d|{_CN}))",
        "至少",
    ),
    (
        "超过/于/多",
        rf"(?:不[得应能可]?(?:超过|多于|高于|大于|长于)|至多|最多)(?:为|可|是|有)?(?=约?\s?(?:\d|{_CN}))",
        "至多",
    ),
    ("相比", r"[与和跟同]([^,。;!?]{1,12}?)相比,?", r"比\1"),
    ("一次", r"(?:每一次|一次)(?=\d|[一二两三四半]\s?[片粒支袋丸滴毫克])", "每次"),
    ("次", r"(?:一日|一天|每日)(?=\s?(?:\d|[一二两三四])\s?次)", "每天"),
    ("因/由于/于", r"(?:得益于|归功于|归因于|原因(?:是|在于|为)|是?由于|是因为)", "因为"),
    ("应/需/必须", rf"(?:(?<![反适供响相对效感呼])应当?|需要?|必须){_TO_DO}", "须"),
    ("不可", r"(?<!非)不可(?![抗避或逆思忽缺不知])", "不能"),
    ("实现", r"实现(?=(?:主营)?(?:业务)?(?:营业|收入|营收|净利|利润|销售))", ""),
    ("据", r"据(?=[^,。;\d资数统了悉说此有]{2,4}(?:汇报|介绍|透露|表示|指出),)", ""),
)


_LATIN = re.compile(r"[a-z]{3}")


@cache
def _rules(*, chinese: bool) -> tuple[tuple[tuple[str, ...], "re.Pattern[str]", str], ...]:
    """Signs, of which a text has one if the pattern is to be looked for in it; the pattern; what is put for it."""
    table = _CHINESE if chinese else _ENGLISH
    return tuple((tuple(signs.split("/")), re.compile(pattern, re.IGNORECASE), put) for signs, pattern, put in table)


def reworded(text: str) -> str:
    """`text`: folded, of one line."""
    if _LATIN.search(text) is not None:
        text = _put(text, _rules(chinese=False))
    return text if text.isascii() else _put(text, _rules(chinese=True))


def _put(text: str, rules: tuple[tuple[tuple[str, ...], "re.Pattern[str]", str], ...]) -> str:
    lower = text.lower()
    for signs, pattern, put in rules:
        for sign in signs:
            if sign in lower:
                text = pattern.sub(put, text)
                lower = text.lower()
                break
    return text
