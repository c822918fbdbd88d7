"""Made documents, collections and findings in both languages, for pictures and stories of the pages about documents."""

from dataclasses import replace

from app.library import Deletion, Intake, Library
from app.lists.collections import CollectionList
from app.lists.documents import DocumentList
from backends.core.phrase import Language, Phrase
from backends.documents.types import (
    Chip,
    Collection,
    Document,
    Found,
    Hit,
    Passage,
    Problem,
    Rank,
    Status,
    WatchedFolder,
    passage_id,
)

DAY = 86_400.0
NOW = 1_790_000_000.0

LOCKED = Problem(
    "encrypted",
    Phrase("The document is locked with a password.", "文档已用密码锁定。"),
    Phrase("Type its password to read it.", "请输入密码以读取文档。"),
)
DAMAGED = Problem(
    "damaged_file",
    Phrase("The file is damaged: its list of pages cannot be read.", "文件已损坏：无法读取页面目录。"),
    Phrase("Open it with the program it comes from and save it anew.", "请用原程序打开并重新保存。"),
)
OUT_OF_TIME = Problem(
    "out_of_time",
    Phrase("Reading it took longer than 10 minutes and was ended.", "读取超过 10 分钟，已停止。"),
    Phrase("Split the file, or try again when the computer has less to do.", "请拆分文件，或在电脑空闲时重试。"),
)
UNREACHED = Problem(
    "folder_gone",
    Phrase("The folder cannot be reached at the moment.", "目前无法访问此文件夹。"),
    Phrase("Its documents stay and can be searched.", "其中的文档会保留，仍可搜索。"),
)


def document(id: int, name: str, format: str, status: Status = "ready", **fields: object) -> Document:
    made = Document(
        id=id,
        collection_id=1,
        path=f"/home/lin/Documents/{name}",
        name=name,
        title="",
        format=format,
        size=240_000,
        modified=NOW - id * DAY,
        dated=None,
        digest="0" * 64,
        status=status,
        problem=None,
        pages=0,
        characters=20_000,
        passages=40 if status == "ready" else 0,
        language="en",
        recognised=0,
        unread=0,
        added=NOW,
    )
    return replace(made, **fields)


def documents(language: Language) -> tuple[Document, ...]:
    """One of every kind and state."""
    zh = language == "zh"

    def say(en: str, chinese: str) -> str:
        return chinese if zh else en

    return (
        document(
            1, say("annual-report-2024.pdf", "2024年度报告.pdf"), "pdf", "reading", pages=312, size=18_400_000,
            title=say("Annual Report 2024", "2024 年年度报告"),
        ),
        document(2, say("board-minutes.docx", "董事会纪要.docx"), "docx", "waiting", size=88_000),
        document(
            3, say("heat-pump-handbook.pdf", "热泵技术手册.pdf"), "pdf", pages=148, size=9_240_000,
            title=say("Handbook of Heat Pumps for Small Buildings", "小型建筑热泵技术手册"), dated=NOW - 400 * DAY,
        ),
        document(4, say("salary-agreement.pdf", "薪资协议.pdf"), "pdf", "encrypted", problem=LOCKED, size=310_000),
        document(5, say("lease-1998.pdf", "1998年租约.pdf"), "pdf", "scanned", pages=24, size=41_000_000),
        document(6, say("survey.pdf", "勘测记录.pdf"), "pdf", pages=40, unread=3, size=12_800_000),
        document(7, say("quarter-4.xlsx", "第四季度.xlsx"), "xlsx", pages=6, size=512_000),
        document(8, say("kick-off.pptx", "项目启动.pptx"), "pptx", pages=31, size=22_000_000),
        document(9, say("old-archive.pdf", "旧档案.pdf"), "pdf", "failed", problem=DAMAGED, size=2_048),
        document(
            10, say("RE-offer.eml", "回复-报价.eml"), "mail", size=36_000,
            title=say("Re: Your offer of 3 May, and what the roof would cost", "回复：您 5 月 3 日的报价及屋顶费用"),
        ),
        document(11, "notes.md", "markdown", size=7_300),
        document(12, "empty.txt", "text", "empty", size=0),
        document(13, "<b>server</b>.py", "code", size=14_100),
        document(14, say("archive-scan.pdf", "档案扫描.pdf"), "pdf", pages=12, recognised=12, size=6_100_000),
        document(15, "war-and-peace.epub", "epub", pages=361, size=3_300_000, title=say("War and Peace", "战争与和平")),
        document(16, "map-of-everything.csv", "csv", "failed", problem=OUT_OF_TIME, size=4_900_000_000),
    )  # fmt: skip


def collections(language: Language) -> tuple[Collection, ...]:
    names = (
        Phrase("My documents", "我的文档"),
        Phrase("House", "房屋"),
        Phrase("Work: offers and contracts 2019–2026", "工作：2019–2026 年报价与合同"),
    )
    return tuple(
        Collection(id, name.to(language), count)
        for id, (name, count) in enumerate(zip(names, (16, 4, 1_204), strict=True), 1)
    )


def watched() -> tuple[WatchedFolder, ...]:
    return (WatchedFolder(1, 1, "/home/lin/Documents/Papers"), WatchedFolder(2, 1, "/mnt/office/contracts", UNREACHED))


DELETED = (Deletion((70, 71)), Deletion((72,), "Minutes of the meeting"))
"""First two, then one more."""


def library(language: Language, **fields: object) -> Library:
    made = documents(language)
    whole = Library("ready", collections=collections(language), watched=watched(), count=len(made), whole=len(made))
    return replace(whole, **fields)


def filled(language: Language) -> DocumentList:
    """The list of `documents`, of which the first is being read."""
    rows = DocumentList()
    made = documents(language)
    rows.reset(len(made))
    rows.put(0, made)
    rows.show_reading({1: (84, 312)})
    return rows


def endless(count: int = 100_000) -> DocumentList:
    """A list that brings what is asked for."""
    rows = DocumentList()
    rows.rows_wanted.connect(
        lambda first, many: rows.put(
            first, [document(n + 1, f"{n:06}.txt", "text") for n in range(first, min(first + many, count))]
        )
    )
    rows.reset(count)
    return rows


def collection_list(language: Language) -> CollectionList:
    rows = CollectionList()
    rows.show(collections(language))
    return rows


READING = Intake(files=12, done=3, failed=1, name="annual-report-2024.pdf", read=84, total=312, seconds_left=140)


# ---- what was found

TEXT_EN = (
    "A heat pump moves heat from the outside air into the house. Its coefficient of performance (COP) says how many "
    "units of heat come out for each unit of electricity that goes in. At 7 °C outside and 35 °C in the floor a good "
    "pump reaches a COP of 4.6; at −7 °C it falls to 2.9."
)
TEXT_ZH = (
    "热泵把室外空气中的热量输送到室内。性能系数（COP）表示每消耗一单位电能可以获得多少单位的热量。"
    "室外 7 °C、地暖供水 35 °C 时，优质热泵的 COP 可达 4.6；室外 −7 °C 时降至 2.9。"
)


def hit(document_: Document, number: int, text: str, words: tuple[str, ...], score: float, **fields: object) -> Hit:
    """Found by `words`, which are lit."""
    start = number * 1_000
    made = Passage(
        id=passage_id(document_.id, number),
        start=start,
        end=start + len(text),
        page=0,
        label="",
        headings=(),
        kind="text",
        text=text,
    )
    low = text.lower()
    lit = tuple(
        sorted((at, at + len(word)) for word in words for at in range(len(low)) if low.startswith(word.lower(), at))
    )
    ranks = (Rank("text", number + 1, 12.4), Rank("vector", number + 2, 0.71))
    return Hit(replace(made, **fields), document_, score, ranks, lit)


def found(language: Language, **fields: object) -> Found:
    zh = language == "zh"
    made = documents(language)
    words = ("热泵", "COP") if zh else ("heat pump", "COP", "performance")
    model = "机型 | COP | 价格\nAW-9 | 4.6 | ¥31,200" if zh else "Model | COP | Price\nAW-9 heat pump | 4.6 | €3,120"
    why = "为什么选择热泵：一台设备同时供暖和制冷。" if zh else "Why a heat pump: one device that heats and cools."
    offer = "热泵的报价有效期到 5 月 31 日。" if zh else "Our offer for the heat pump stands until 31 May."
    boiler = "旧锅炉可由热泵替代。" if zh else "The old boiler may be replaced by a heat pump."
    headings = ("3 基础", "3.2 性能系数") if zh else ("3 Basics", "3.2 Coefficient of performance")
    rows = (
        hit(made[2], 12, TEXT_ZH if zh else TEXT_EN, words, 0.93, page=37, headings=headings),
        replace(hit(made[6], 3, model, words, 0.71, page=2, label="Offers!A1:C14", kind="table"), also=(3, 4)),
        hit(made[7], 8, why, words, 0.64, page=8),
        hit(made[9], 1, offer, words, 0.51),
        hit(made[13], 2, boiler, words, 0.42, page=4),
    )
    whole = Found(rows, enough=True, final=True, searched=1_224, seconds=0.021, methods=("text", "vector"))
    return replace(whole, **fields)


def narrowed(language: Language) -> Found:
    """By what the question says, and in the other language, too; some documents are not read yet."""
    chips = (
        Chip("year:2024", "2024", 118),
        Chip("name:handbook", "手册" if language == "zh" else "handbook", 2),
    )
    other = "How efficient is a heat pump in 2024?" if language == "zh" else "2024 年热泵的效率是多少？"
    return found(language, chips=chips, translated=other, waiting=3)


def nothing(language: Language) -> Found:
    return Found((), enough=False, final=True, searched=1_224, seconds=0.004, waiting=0)
