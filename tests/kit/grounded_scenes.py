"""Scenes of answers out of documents, for `tests.kit.shots`: their sources, how they were found, no model."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.lists.messages import Live, MessageRow
from app.model_state import ModelState
from app.widgets.xray_page import XRayPage
from backends.chat import evidence, passages
from backends.chat.citations import citations
from backends.chat.sourced import ConversationScope
from backends.chat.types import Source
from backends.chat.xray import DroppedPassage, Part, XRay, found_passages
from backends.core.phrase import Language
from backends.documents.types import Chip
from tests.kit import libraries

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]

ASKED_EN = "How efficient is the heat pump of the offer, and what does it cost?"
ASKED_ZH = "报价中的热泵效率如何？价格是多少？"
SAID_EN = """The handbook puts it so: at 7 °C outside a good pump reaches a COP of 4.6 [1].

- The **AW-9** of the offer has a coefficient of 4.6 [2] and costs €3,420 [2].
- The offer stands until 31 May [4], and one device heats and cools [3].
"""
SAID_ZH = """手册中写道：性能系数（COP）表示每消耗一单位电能可以获得多少单位的热量 [1]。

- 报价中的 **AW-9** 性能系数为 4.6 [2]，价格为 ¥34,200 [2]。
- 报价有效期到 5 月 31 日 [4]，一台设备同时供暖和制冷 [3]。
"""
NOTE_EN = "Passages of 5 of 1,224 documents were read; the count or list may not be complete."
NOTE_ZH = "仅阅读了 1,224 个文档中 5 个的段落，计数或列表可能不完整。"


def sources(language: Language) -> tuple[Source, ...]:
    """The last one is in the other language."""
    hits = libraries.found(language).hits
    made = [
        Source(
            *(n, hit.document.id, hit.document.title, hit.document.name, hit.passage.page, hit.passage.label),
            *(hit.passage.start, hit.passage.end, hit.passage.text),
        )
        for n, hit in enumerate(hits, 1)
    ]
    other = libraries.found("en" if language == "zh" else "zh").hits[2].passage.text
    return (*made[:2], replace(made[2], text=other), *made[3:])


def rows(language: Language, **fields: object) -> tuple[MessageRow, ...]:
    """A question, and its answer with every verdict."""
    zh, given = language == "zh", sources(language)
    said = SAID_ZH if zh else SAID_EN
    made = MessageRow(
        2,
        "assistant",
        said,
        model="DeepSeek R1-0528 Qwen3 8B",
        device="CUDA0",
        tokens=96,
        tokens_per_s=38.2,
        sources=given,
        citations=citations(said, given),
        explained=True,
    )
    return MessageRow(1, "user", ASKED_ZH if zh else ASKED_EN), replace(made, **fields)


def grounded(scope: ConversationScope, given: int = 0, **fields: object) -> Scene:
    def scene(studio: "Studio") -> None:
        studio.with_conversations()
        studio.messages.reset(rows(studio.language, **fields))
        studio.chat.composer.scope.show_scope(scope, libraries.collections(studio.language), given)

    return scene


def narrowed(studio: "Studio") -> None:
    """To what the question names; not all was read."""
    zh = studio.language == "zh"
    chips = (Chip("year:2024", "2024", 118), Chip("name:handbook", "手册" if zh else "handbook", 2))
    grounded(ConversationScope("collections", (1, 3)), chips=chips, note=NOTE_ZH if zh else NOTE_EN)(studio)


def reading(studio: "Studio") -> None:
    live = Live("sources", done=5, total=12)
    waits = {"text": "", "sources": (), "citations": (), "tokens": None, "explained": False, "live": live}
    grounded(ConversationScope("dropped"), 2, **waits)(studio)
    studio.chat.composer.set_busy(True)


def without_model(studio: "Studio") -> None:
    """The best passages are the answer."""
    shown = evidence.without_a_model(libraries.found(studio.language))
    text, cited = passages.written(shown, studio.language)
    fields = {"text": text, "sources": shown.sources, "citations": cited, "explained": False, "tokens": None}
    grounded(ConversationScope("all"), **fields, model="", device="", tokens_per_s=None)(studio)
    studio.chat.show_state(ModelState("empty"))


def xray(language: Language) -> XRay:
    zh, found = language == "zh", libraries.narrowed(language)
    given = [(one.n, one.document_id, one.start, one.end) for one in sources(language)[:4]]
    prompt = "\n\n".join(f"[{one.n}] (3fa94c)\n{one.text}" for one in sources(language)[:4])
    asked = ASKED_ZH if zh else ASKED_EN
    return XRay(
        asked,
        "报价中热泵 AW-9 的性能系数和价格" if zh else "Coefficient of performance and price of the heat pump AW-9",
        found.translated,
        enough=False,
        documents_read=4,
        documents_searched=1_224,
        methods=("text", "vector", "text:translated", "rerank"),
        found=found_passages(found, given),
        dropped=(*(DroppedPassage(-n, "duplicate") for n in range(1, 4)), DroppedPassage(-9, "threshold")),
        prompt=(("user", f"=====SOURCES 3fa94c0d71be22a8=====\n{prompt}\n=====END=====\n\n{asked}"),),
        parts=tuple(
            Part(name, tokens)
            for name, tokens in (
                ("documents", 5_904),
                ("conversation", 820),
                ("question", 41),
                ("instructions", 196),
                ("answer", 9_423),
            )
        ),
        narrowed=tuple(chip.words for chip in found.chips),
        seconds=0.184,
    )


def explained(**fields: object) -> Scene:
    def scene(studio: "Studio") -> None:
        page = XRayPage()
        studio.window.add_page("xray", page)
        studio.window.show_page("xray")
        page.show_xray(replace(xray(studio.language), **fields))

    return scene


def erased(studio: "Studio") -> None:
    """The quotes of the first source went with its document."""
    first, *others = sources(studio.language)
    blank = replace(first, title="", name="", label="", text="")
    grounded(ConversationScope("all"), sources=(blank, *others), deleted=frozenset({first.document_id}))(studio)


def prompted(studio: "Studio") -> None:
    """A long prompt, at the end of the page."""
    explained(prompt=(("user", "\n".join(text for _, text in xray(studio.language).prompt * 30)),))(studio)
    page = studio.window.findChild(XRayPage)
    assert isinstance(page, XRayPage)
    for _ in range(3):
        studio.app.sendPostedEvents()
    page.verticalScrollBar().setValue(page.verticalScrollBar().maximum())


SCENES: dict[str, Scene] = {
    "grounded": grounded(ConversationScope("all")),
    "grounded_deleted": grounded(ConversationScope("dropped"), 1, deleted=frozenset({3, 10})),
    "grounded_erased": erased,
    "grounded_narrowed": narrowed,
    "grounded_reading": reading,
    "grounded_without_model": without_model,
    "xray": explained(),
    "xray_prompt": prompted,
    "xray_whole": explained(whole=True, found=(), dropped=(), methods=(), searched_for="", translated="", narrowed=()),
}
