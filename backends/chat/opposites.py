"""Words that have an opposite: direction, order, extent, amount."""

import functools
from collections.abc import Sequence

from backends.chat.claims import Token
from backends.documents.words import stem

_PAIRS = """
    rise rose increase grow grew growth climb gain up raise higher / fall fell decrease decline drop down cut lower slow
    more greater over above exceed larger bigger at-least / less fewer under below smaller at-most
    before prior earlier previous / after following later subsequent since
    first earliest oldest initial initially begin began begun start / last latest newest final finally end finish
    all every each whole entire both always / some most many few half part partly partial several often sometimes
    only solely exclusively / except including besides also
    old older elder / young younger
    long longer / short shorter
    high highest maximum max / low lowest minimum min
    near nearest / far farthest
    north northern northeast northwest / south southern southeast southwest
    east eastern / west western
    left / right
    buy buyer bought purchase / sell seller sold sale
    add introduce gain adopt include / drop remove abolish exclude
    win won victory / lose lost defeat
    open opened / close closed
    best better / worst worse
    fast faster quick / slow slower
    import / export
    enter arrive join / leave left depart
    allow permit enable / forbid ban prohibit prevent
    accept approve support / reject oppose refuse
    succeed success / fail failure
    with / without
    husband father son king brother male men man boy / wife mother daughter queen sister female women woman girl
    asset / liability
    income revenue profit / loss expense
    upper / lower
    inside / outside
    hot hotter warm / cold colder cool
    positive / negative
    minor / major
    praise commend / criticize criticise condemn blame
    born birth / died die death
    deep deeper / shallow shallower
    wide wider / narrow narrower
    thick thicker / thin thinner
    rich richer / poor poorer
    strong stronger / weak weaker
    gain profit / loss
    domestic / foreign
    public / private
    inbound / outbound
    wet / dry
    heavy heavier / light lighter
    upstream / downstream
    same identical / different
    day / night
    lessor landlord / lessee tenant
"""
_HAN = """
    上升 增长 增加 提高 升高 上涨 上调 升至 增至 回升 扩大 涨 / 下降 减少 降低 下跌 下调 降至 减至 回落 缩小 跌
    大于 高于 超过 多于 更多 更大 更高 以上 / 小于 低于 不足 少于 更少 更小 更低 以下
    之前 以前 前 / 之后 以后 后
    最早 首次 首先 最初 第一 / 最晚 最后 最终 末次
    全部 所有 全体 一切 均 都 / 部分 一些 多数 少数 有些 半数
    只有 仅有 唯独 仅 只 / 包括 除 以及
    最高 最大 最长 最多 / 最低 最小 最短 最少
    新增 增设 引入 / 取消 撤销 删除 移除
    年长 / 年轻 年幼
    东部 东侧 东面 东岸 / 西部 西侧 西面 西岸
    南部 南侧 南面 南岸 / 北部 北侧 北面 北岸
    升高 上升 / 降低 下降
    买入 购买 买方 买家 / 卖出 出售 卖方 卖家
    盈利 利润 / 亏损
    收入 / 支出 成本
    进口 / 出口
    流入 / 流出
    成功 / 失败
    支持 赞成 / 反对
    允许 可以 可 / 禁止 不得 不准
    胜 / 负 败
    父亲 儿子 男性 丈夫 / 母亲 女儿 女性 妻子
    甲方 / 乙方 丙方
    资产 / 负债
    开始 / 结束
    开工 动工 始建 / 竣工 完工 建成 落成
    称赞 赞扬 表扬 肯定 / 批评 指责 谴责 否定
    开业 开设 / 停业 关闭
    出生 / 去世 逝世
    优于 / 劣于
    开放 / 关闭
    上游 / 下游
    上半年 / 下半年
    公历 阳历 / 农历 阴历
    白天 / 夜间 夜晚
"""
_NO_SIDE = {  # the character before or after, with which 前, 后 and others are another word
    "前": ("目当空先提从", "往进任者景途身线"),
    "后": ("然落最今皇前背", "来者期续勤果代裔人"),
    "只": ("", "是要"),
    "都": ("首成古京迁定建故帝国", "市城江会"),
    "均": ("平年月日人", "匀衡"),
    "除": ("清排消解拆扫免开去", "法"),
    "胜": ("名", "利地任"),
    "负": ("抱自", "责债担"),
    "涨": ("", "潮"),
    "败": ("腐失", ""),
    "跌": ("", ""),
    "仅": ("不", ""),
    "可": ("不许未即", "能靠见"),
}

Side = tuple[int, int, int, int]
"""The place of its first token, how many tokens, its pair, 0 or 1."""


@functools.cache
def _latin() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(line for line in _PAIRS.splitlines() if line.strip()):
        for side, words in enumerate(line.split("/")):
            for word in words.split():
                for key in {word, stem(word)}:
                    if (number, side) not in found.setdefault(key, []):
                        found[key].append((number, side))
    return found


@functools.cache
def _han() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate((line for line in _HAN.splitlines() if line.strip()), 1000):
        for side, words in enumerate(line.split("/")):
            for word in words.split():
                found.setdefault(word, []).append((number, side))
    return found


def sides(tokens: Sequence[Token]) -> list[Side]:
    found: list[Side] = []
    latin, han = _latin(), _han()
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "stop" or token.quantity is not None:
            place += 1
            continue
        if token.key in latin and token.kind != "name":
            found += [(place, 1, pair, side) for pair, side in latin[token.key]]
            place += 1
            continue
        for width in (3, 2, 1):
            word = "".join(one.key for one in tokens[place : place + width])
            if word in han and len(word) == width and not (width == 1 and _another_word(tokens, place)):
                found += [(place, width, pair, side) for pair, side in han[word]]
                place += width
                break
        else:
            place += 1
    return found


def _another_word(tokens: Sequence[Token], place: int) -> bool:
    before, after = _NO_SIDE.get(tokens[place].key, ("", ""))
    left = tokens[place - 1].key if place else ""
    right = tokens[place + 1].key if place + 1 < len(tokens) else ""
    return (bool(left) and left in before) or (bool(right) and right in after)
