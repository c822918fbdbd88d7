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
    (r"(?<!not )(?<!n't )\b(?:has to|have to|needs to|need to|is required to|are required to)\b", "must"),
    (r"\b(?:must|shall|may|should|can|will|do|does) (?:not exceed|not be more than)\b", "must be at most"),
    # bounds
    (rf"\b(?:no|not) (?:less|fewer) than {_NUMBER}", "at least "),
    (rf"\b(?:no|not) more than {_NUMBER}|\ba maximum of {_NUMBER}", "at most "),
    (rf"\ba minimum of {_NUMBER}", "at least "),
    (rf"\b{_COUNTED} or (?:more|longer|older|over|above)\b", r"at least \1"),
    (rf"\b{_COUNTED} or (?:less|fewer|shorter|younger|under|below)\b", r"at most \1"),
    (rf"\b(?:less|fewer|lower|younger) than {_NUMBER}|\bbelow {_NUMBER}", "under "),
    (r"\b(?:no|not) later than\b", "notafter"),
    (rf"\bby {_DATE} at the latest\b", r"notafter \1"),
    # conditions
    (r"\b(?:as|so) long as\b|\bproviding(?: that)?\b|\bon condition that\b|\bprovided(?= (?!by|for|with))(?: that)?\b",
     "provided that"),
    (r"\bonly (?:once|after)\b", "only when"),
    # estimates
    (rf"\b(?:roughly|approximately|circa|approx\.?) {_NUMBER}|\baround {_NUMBER}", "about "),
    (r"\b(is|are|was|were) (?:thought|assumed|considered) to\b", r"\1 believed to"),
    (r"\bone(?= (?:litre|liter|kilogram|kilo|gram|metre|meter|kilometre|kilometer|mile|hour|minute|week|month|year)\b)",
     "1"),
    # one and the same word
    (r"\bfailure to\b|\bfailing to\b", "fail to"),
    (r"\b(?:is|are) punishable (?:by|with)\b|\bcan be punished by\b", "can be punished with"),
    (r"\b(?:is|are) (refund|renew)able\b", r"can be \1ed"),
    (r"\b(is|are|was|were) ((?:(?:more than|over|under|less than|at least|at most|up to|about) )?\w+ (?:working )?"
     r"(?:minutes?|hours?|days?|weeks?|months?|years?)) late\b", r"\1 delayed by \2"),
)  # fmt: skip
_MORE = "提升|提高|上升|上涨|增长|增加|升高|上调|扩大"
_LESS = "下降|降低|下跌|减少|回落|下调|缩减"
_CN = "[一二三四五六七八九十百千两]"
_ADJECTIVE = (
    "高大小低多少好差为长短强弱快慢早晚轻重易难新旧近远深浅宽窄厚薄严安平稳完全良优劣热冷暖凉干湿密稀富贫复简有不"
)
_FIGURE = rf"(?=(?:每(?:分钟|小时|秒|天|日|周|年|月|次|人)?)?约?\s?[$€£¥]?\d|约?{_CN}+[万亿个年月天日周%])"
_CHINESE = (
    ("之(?=[前后内间])(?!间的)", ""),
    ("大约|大概|约莫|约为(?=\\s?\\d)", "约"),
    (rf"(?:{_MORE})了?(?:到了?|至)", "升至"),
    (rf"(?:{_LESS})了?(?:到了?|至)", "降至"),
    (r"(?<![自理])由(?=[^,。;!?]{1,20}(?:升至|降至|改到|改为|改至|变为|变成|延长|缩短|调整))", "从"),
    (rf"(?<![未没不难否])(?:达到了?|达(?![{{成标州拉尔]))(?:为)?{_FIGURE}", "为"),
    (rf"(?<![不只就还也都仍便像而即倒老总可])是{_FIGURE}", "为"),
    (rf"(?:仅仅|仅|只)(?:为|有|是){_FIGURE}", "仅"),
    (rf"(?<![比相计])较(?![{_ADJECTIVE}劲量真])", "比"),
    (rf"(?:不[得应能可]?(?:少于|低于|小于|短于)|起码|最少|至少)(?:为|要|是|有|需要?)?(?=约?\s?(?:\d|{_CN}))", "至少"),
    (rf"(?:不[得应能可]?(?:超过|多于|高于|大于|长于)|至多|最多)(?:为|可|是|有)?(?=约?\s?(?:\d|{_CN}))", "至多"),
    (r"[与和跟同]([^,。;!?]{1,12}?)相比,?", r"比\1"),
    (r"(?:一次|每一次)(?=\d|[一二两三四半]\s?[片粒支袋丸滴毫克])", "每次"),
    (r"(?:一日|一天|每日)(?=\s?(?:\d|[一二两三四])\s?次)", "每天"),
    (r"(?:得益于|归功于|归因于|原因(?:是|在于|为)|是?由于|是因为)", "因为"),
    (r"(?<![反适供响相对效感呼])应当?(?=[于在先将把立及经向按提])|需要?(?=[于在先将把立经向按提])|必须(?=[于在先将把立经向按提])",
     "须"),
    (r"(?<![非])不可(?![抗避或逆思忽缺不知])", "不能"),
    (r"实现(?=(?:主营)?(?:业务)?(?:营业|收入|营收|净利|利润|销售))", ""),
    (r"据(?=[^,。;\d资数统了悉说此有]{2,4}(?:汇报|介绍|透露|表示|指出),)", ""),
)  # fmt: skip

_Rule = tuple["re.Pattern[str]", str]


@cache
def _rules() -> tuple[tuple[_Rule, ...], tuple[_Rule, ...]]:
    flags = re.IGNORECASE
    return (
        tuple((re.compile(pattern, flags), put) for pattern, put in _ENGLISH),
        tuple((re.compile(pattern), put) for pattern, put in _CHINESE),
    )


_LATIN = re.compile(r"[A-Za-z]{2}")
_HAN = re.compile(r"[\u3400-\u9fff]")


def reworded(text: str) -> str:
    """`text`: folded, of one line."""
    english, chinese = _rules()
    for written, rules in ((_LATIN, english), (_HAN, chinese)):
        if written.search(text) is not None:
            for pattern, put in rules:
                text = pattern.sub(put, text)
    return text
