"""Whatever a model writes, or somebody pastes: it is shown as what it is, and does nothing.

`DESKSEEK_SOAK=400` reads so many random texts.
"""

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.controllers.links import LinksController
from app.growing import Growing
from app.lists.conversations import ConversationList
from app.lists.messages import Live, MessageList, MessageRow
from app.markdown import Code, Paragraph, Table, parse
from app.notices import NoticeBoard
from app.widgets.chat_page import ChatPage
from app.widgets.prose import ReadOnlyText
from app.widgets.transcript import Transcript
from tests.kit import looks

pytestmark = pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")  # ziamath, when it is imported

LOOPS = int(os.environ.get("DESKSEEK_SOAK", "40"))
MOST_SET = 80_000  # characters that are set at a time, however long a text is


@pytest.fixture
def messages() -> MessageList:
    return MessageList()


@pytest.fixture
def view(qtbot: QtBot, messages: MessageList) -> Transcript:
    view = Transcript(messages)
    view.resize(900, 600)
    view.show()
    qtbot.addWidget(view)
    return view


@dataclass
class Site:
    """A web server that remembers what it was asked for."""

    port: int
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        found = Site(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def forms(base: str, file: Path) -> list[str]:
    """Ways to make a reader fetch, open or run something."""
    return [
        f"![a]({base}/1.png)",
        f'![a]({base}/2.png "title")',
        f"![a][ref]\n\n[ref]: {base}/3.png",
        f"![a]\n\n[a]: {base}/4.png",
        f'<img src="{base}/5.png">',
        f"<img src='{base}/6.png' onerror=alert(1)>",
        f'<picture><source srcset="{base}/7.png"></picture>',
        f'<link rel="stylesheet" href="{base}/8.css">',
        f"<style>@import url({base}/9.css); body {{ background: url({base}/10.png) }}</style>",
        f'<div style="background-image: url({base}/11.png)">x</div>',
        f'<iframe src="{base}/12"></iframe><object data="{base}/13"></object><embed src="{base}/14">',
        f'<script src="{base}/15.js"></script><script>fetch("{base}/16")</script>',
        f'<svg><image href="{base}/17.png"/><script>alert(1)</script></svg>',
        f'<video src="{base}/18.mp4" autoplay></video><audio src="{base}/19.mp3" autoplay></audio>',
        f'<meta http-equiv="refresh" content="0; url={base}/20">',
        f'<form action="{base}/21"><input type=image src="{base}/22.png"></form>',
        f"<{base}/23.png>",
        f"[![a]({base}/24.png)]({base}/25)",
        f"| ![a]({base}/26.png) |\n|---|\n| <img src={base}/27.png> |",
        f"> - ![a]({base}/28.png)\n>   <img src={base}/29.png>",
        f"$\\includegraphics{{{base}/30.png}}$ \\(\\href{{{base}/31}}{{x}}\\)",
        f"\\[\\input{{{file}}} \\href{{javascript:alert(1)}}{{x}} \\url{{{base}/32}}\\]",
        f"$$\\write18{{touch {file}.touched}}$$",
        f"![a]({file.as_uri()}) ![a]({file}) <img src={file.as_uri()}> ![a](//127.0.0.1/share/x.png)",
        f"[a]({file.as_uri()}) [b](javascript:alert(1)) [c](data:text/html,<script>alert(1)</script>)",
        "[d](ms-settings:x) [e](smb://host/x)",
        "![a](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+) <a href='vbscript:x'>a</a> [e](qrc:/x)",
        f"```html\n<img src='{base}/33.png'><script>alert(1)</script>\n```",
        f"[x](<{base}/34> '![a]({base}/35.png)')",
    ]


class Opener(QObject):
    """Takes the place of the browser."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


@pytest.fixture
def opener() -> Iterator[Opener]:
    opener = Opener()
    schemes = ("http", "https", "file", "javascript", "data", "mailto", "ms-settings", "qrc", "vbscript")
    for scheme in schemes:
        QDesktopServices.setUrlHandler(scheme, opener, "open")  # pyright: ignore[reportArgumentType]
    yield opener
    for scheme in schemes:
        QDesktopServices.unsetUrlHandler(scheme)


def test_nothing_is_fetched_run_or_opened(
    qtbot: QtBot, view: Transcript, messages: MessageList, site: Site, opener: Opener, tmp_path: Path
) -> None:
    """SEC-40 to SEC-42, while it streams and when it is whole, also when every link is clicked."""
    file = tmp_path / "secret.png"
    file.write_bytes(b"secret")
    board = NoticeBoard()
    qtbot.addWidget(board)
    links = LinksController(board)
    view.link_requested.connect(links.ask)
    clicked = 0
    for form in forms(f"http://127.0.0.1:{site.port}", file):
        messages.reset([MessageRow(1, "user", form), MessageRow(2, "assistant", live=Live("writing"))])
        for end in range(0, len(form), 9):
            messages.put(1, MessageRow(2, "assistant", form[:end], live=Live("writing")))
        messages.put(1, MessageRow(2, "assistant", form))
        view.grab()
        qtbot.wait(1)
        for text in view.findChildren(ReadOnlyText):
            for address in links_in(text):
                text.anchorClicked.emit(QUrl(address))
                clicked += 1
    assert clicked > 15
    assert "Open 127.0.0.1?" in looks.texts(board) or "This link is not opened" in looks.texts(board)
    assert not site.asked
    assert not opener.opened
    assert sorted(tmp_path.iterdir()) == [file]


def links_in(text: ReadOnlyText) -> list[str]:
    found: list[str] = []
    block = text.document().begin()
    while block.isValid():
        part = block.begin()
        while not part.atEnd():
            found += [address] if (address := part.fragment().charFormat().anchorHref()) else []
            part += 1
        block = block.next()
    return found


LONG = {
    "a line of 2 MB": "word " * 400_000,
    "a line of 2 MB without a space": "x" * 2_000_000,
    "backticks": "`" * 100_000,
    "runs of backticks": " ".join("`" * (n % 300) for n in range(700)),
    "brackets": "[" * 50_000 + "](" * 5_000,
    "pictures": "![" * 30_000,
    "stars": "*a_" * 30_000,
    "quotes": ">" * 1000 + " deep",
    "lists": "- " * 1000 + "deep",
    "lists on lines": "\n".join("  " * n + "- deep" for n in range(1000)),
    "quotes on lines": "\n".join(">" * n + " deep" for n in range(1000)),
    "a fence of a line": "```js\n" + "let a=1;" * 50_000,
    "a fence of many lines": "```python\n" + "x = compute(1) # why\n" * 20_000,
    "a table": "|a|b|c|\n|-|-|-|\n" + "| 1 | *two* | `3` |\n" * 3000,
    "a wide table": "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "|1" * 2000 + "|\n",
    "a list": "- one *two* three\n" * 4000,
    "headings": "# x\n" * 4000,
    "formulas not closed": "\\(" * 20_000 + "$$" * 3 + "\\[" * 20_000,
    "formulas": "$x$ " * 3000,
    "dollars": "$a" * 20_000,
    "combining marks": "a" + "\u0301" * 10_000,
    "emoji": "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈" * 3000,
    "right to left": "مرحبا بالعالم " * 4000,
    "references": "[a]\n\n" * 500 + "".join(f"[a{n}]: http://a.example/{n}\n" for n in range(2000)),
    "entities": "&amp;&#0;&#x202e;" * 5000,
    "rules": "---\n" * 5000,
    "line ends": "\r" * 3000 + "\u2028" * 3000 + "\u2029" * 3000 + "\n" * 3000,
}


@pytest.mark.parametrize("name", sorted(LONG))
def test_what_is_endless_is_set_only_where_it_is_seen(name: str, view: Transcript, messages: MessageList) -> None:
    """However long a text is, about two windows of it exist; the rest is a guess of its height."""
    text = LONG[name]
    messages.reset([MessageRow(1, "assistant", "before"), MessageRow(2, "assistant", text)])
    bar = view.verticalScrollBar()
    for place in (1.0, 0.5, 0.0, 0.7):
        bar.setValue(int(bar.maximum() * place))
        QApplication.processEvents()
        here = [browser.document().characterCount() for browser in view.findChildren(ReadOnlyText)]
        assert sum(here) < MOST_SET
    messages.put(1, MessageRow(2, "assistant", "", live=Live("writing")))
    for end in (1, len(text) // 3, len(text) // 2, len(text) - 1):
        messages.put(1, MessageRow(2, "assistant", text[:end], live=Live("writing")))


@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        "a\ud800b \udfff",
        "\ufeff\u200b\u200c\u200d\u2060\u00ad",
        "\u0300\u0301",
        "\U000f0000\U000f0001 \ue000",
        "\x1b[31mred\x07\x08",
        "\ufffc\ufffe\uffff",
        "𓀀" * 20,
    ],
)
def test_odd_characters_are_shown(text: str, view: Transcript, messages: MessageList) -> None:
    for shape in ("{}", "# {}", "- {}", "| {} |\n|---|\n| {} |", "```{}\n{}\n```", "> {}", "[{}](http://a.example/)"):
        said = shape.replace("{}", text)
        messages.reset([MessageRow(1, "user", said), MessageRow(2, "assistant", said)])
        view.grab()


OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("character", OVERRIDES)
def test_what_turns_the_order_of_letters_is_seen(character: str, view: Transcript, messages: MessageList) -> None:
    """What is read is what is there: `if access == "user` and no more."""
    said = f"see {character}exe.txt and `a{character}b`"
    tricked = f"{said}\n\n```python\nif a == '{character}user':\n```\n\n|a|\n|-|\n|x{character}y|\n\n[x{character}](http://a.example/{character}y)"
    messages.reset([MessageRow(1, "assistant", tricked)])
    shown = "\n".join(browser.toPlainText() for browser in view.findChildren(ReadOnlyText))
    assert character not in shown
    assert shown.count(f"[U+{ord(character):04X}]") >= 5


@pytest.mark.parametrize("character", OVERRIDES)
def test_what_turns_the_order_of_letters_is_seen_in_questions_and_titles(
    character: str, qtbot: QtBot, view: Transcript, messages: MessageList
) -> None:
    said, seen = f"see {character}exe.txt", f"see [U+{ord(character):04X}]exe.txt"
    messages.reset([MessageRow(1, "user", said)])
    assert [browser.toPlainText() for browser in view.findChildren(ReadOnlyText)] == [seen]
    page = ChatPage(ConversationList(), MessageList())
    qtbot.addWidget(page)
    renamed: list[str] = []
    page.rename_requested.connect(renamed.append)
    page.show_title(said, editable=True)
    (field,) = (field for field in page.findChildren(QLineEdit) if field.text() == seen)
    field.editingFinished.emit()
    assert not renamed


def test_right_to_left_text_stays_what_it_is(view: Transcript, messages: MessageList) -> None:
    said = "مرحبا بالعالم\u200f! \u200eabc"
    messages.reset([MessageRow(1, "assistant", said)])
    (text,) = (browser for browser in view.findChildren(ReadOnlyText) if browser.toPlainText())
    assert text.toPlainText() == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[https://bank.example/login](http://evil.example/x)", "https://bank.example/login (evil.example)"),
        ("[bank.example](http://evil.example/x)", "bank.example (evil.example)"),
        ("[www.bank.example](https://bank.example.evil.example)", "www.bank.example (bank.example.evil.example)"),
        ("[me@bank.example](mailto:you@evil.example)", "me@bank.example (you@evil.example)"),
        ("[*bank*.example](http://evil.example)", "bank.example (evil.example)"),
        ("[https://bank.example](https://bank.example/a/b)", "https://bank.example"),
        ("[bank.example](https://www.bank.example/)", "bank.example"),
        ("[the page](http://evil.example/x)", "the page"),
        ("[version 1.2](http://a.example/x)", "version 1.2"),
        ("[main.py](http://a.example/x)", "main.py (a.example)"),
        ("[https://раураl.example](http://paypal.example)", "https://раураl.example (paypal.example)"),
    ],
)
def test_a_link_that_says_another_address_says_its_own_too(text: str, shown: str) -> None:
    (block,) = parse(text)
    assert isinstance(block, Paragraph)
    assert "".join(span.text for span in block.spans) == shown


PIECES = (
    "# ", "## x\n", "- ", "1. ", "> ", "```", "```python\n", "~~~\n", "`", "``", "*", "**", "_", "~~", "[", "](", ")",
    "![", "]: http://a.example/x\n", "[a]", "[a]: http://b.example \"t\"\n", "| a | b |\n|---|:-:|\n", "| 1 | 2 |\n",
    "|", "---\n", "===\n", "\n", "\n\n", "    ", "\t", "  \n", "\\(", "\\)", "\\[", "\\]", "$", "$$",
    "\\begin{align}", "\\end{align}", "x^2", "$5 and $6", "\\", "<b>", "<!-- ", "-->", "&lt;", "&#0;",
    "http://a.example/b_(c)", "<https://a.example>", "me@a.example", "word ", "中文", "，", "a", " ", "\r\n", "\r",
    "\x00", "\u202e", "\u2028", "\u2029", "\ud83d", "\U0001f469\u200d\U0001f467", "á", "\u200b", "مرحبا", "- [ ] ",
    "- [x] ", "<br>", "0. ", "999999999. ", "+ ", "::: ", "^1",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_what_streams_is_what_is_there_in_the_end(seed: int, view: Transcript, messages: MessageList) -> None:
    """Random texts in random pieces: each beginning is read as if it were the whole, and the end is shown like it."""
    chance = random.Random(seed)
    for _ in range(LOOPS // 4):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(5, 60)))
        growing, end = Growing(), 0
        messages.reset([MessageRow(1, "assistant", "", live=Live("writing"))])
        while end < len(text):
            end += chance.randint(1, 30)
            assert growing.read(text[:end]) == parse(text[:end])
            messages.put(0, MessageRow(1, "assistant", text[:end], live=Live("writing")))
        messages.put(0, MessageRow(1, "assistant", text))
        streamed = [browser.toPlainText() for browser in shown(view)]
        messages.reset([])
        messages.reset([MessageRow(1, "assistant", text)])
        assert [browser.toPlainText() for browser in shown(view)] == streamed, text


def shown(view: Transcript) -> list[ReadOnlyText]:
    texts = [text for text in view.findChildren(ReadOnlyText) if not text.isHidden()]
    return sorted(
        (text for text in texts if text.parentWidget() is not None),
        key=lambda text: text.mapTo(view, text.rect().topLeft()).y(),
    )


def test_every_kind_of_block_is_among_the_random_ones() -> None:
    chance, kinds = random.Random(0), set[type]()
    for _ in range(300):
        kinds |= {type(block) for block in parse("".join(chance.choice(PIECES) for _ in range(40)))}
    assert {Paragraph, Code, Table} <= kinds
