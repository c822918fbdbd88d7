"""Made states of the page of the API, and scenes of it for `tests.kit.shots`."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.api_picture import ApiPicture, MadeKey
from app.lists.requests import RequestList
from app.notices import error_notice
from app.widgets.api_page import ApiPage
from backends.api.live import LiveCall
from backends.api.request_log import Logged
from backends.core.errors import Unavailable
from backends.core.phrase import Language, Phrase
from backends.core.settings import Settings
from backends.governance.access import ROLES, Role
from backends.governance.keys import Key

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]
MODEL = "deepseek-r1-0528-qwen3-8b:Q4_K_M"
DAY = 86_400.0


def key(number: int, name: str, role: Role = "user", **fields: object) -> Key:
    made = Key(f"{number:012x}", name, role, ROLES[role], (), 0, 0, time.time() - number * DAY)
    return replace(made, **fields)


def keys(language: Language = "en") -> tuple[Key, ...]:
    def name(en: str, zh: str) -> str:
        return Phrase(en, zh).to(language)

    now = time.time()
    return (
        key(1, name("Editor", "编辑器")),
        key(3, name("Nightly summary script", "夜间摘要脚本"), models=("r1-*", "qwen3*"), requests_per_minute=60),
        key(9, name("Dashboard", "监控面板"), "metrics", expires=now + 30 * DAY),
        key(12, name("Search only", "仅搜索"), "readonly", scopes=frozenset({"docs.read"}), tokens_per_minute=50_000),
        key(40, name("Old laptop", "旧笔记本"), "admin", revoked=now - 5 * DAY),
        key(90, name("Trial", "试用"), expires=now - DAY),
    )


def live(number: int, state: str, seconds: float, read: int = 0, written: int = 0) -> LiveCall:
    route = "/v1/messages" if number % 2 else "/v1/chat/completions"
    said = LiveCall(f"req_{number}", "Editor", "POST", route, MODEL, "reading", time.time(), seconds, read, written)
    return replace(said, state=state)


LIVE = (live(2, "writing", 12.4, 1_204, 318), live(3, "reading", 1.8), live(4, "waiting", 0.4))


def logged(number: int, **fields: object) -> Logged:
    entry = Logged(
        number=number,
        id=f"req_{number:024x}",
        at=time.time() - (300 - number) * 400,
        key_id=f"{1:012x}",
        key_name="Editor",
        method="POST",
        route="/v1/chat/completions",
        model=MODEL,
        status=200,
        outcome="done",
        seconds=4.2 + number % 7,
        first_token=0.31,
        prompt_tokens=1_204,
        cached_tokens=1_100,
        completion_tokens=318,
        reasoning_tokens=0,
        client_id="",
        asked="",
        answered="",
    )
    return replace(entry, **fields)


def entries(count: int = 30) -> tuple[Logged, ...]:
    """The newest first; with what is refused, cancelled and failed among them."""
    kinds: dict[int, dict[str, object]] = {
        1: {"outcome": "cancelled", "first_token": None, "completion_tokens": 0},
        2: {
            "outcome": "refused",
            "status": 401,
            "key_name": "",
            "model": "",
            "first_token": None,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "seconds": 0.002,
        },
        3: {"outcome": "failed", "status": 503, "first_token": None, "prompt_tokens": 0, "completion_tokens": 0},
        4: {"route": "/v1/documents/{document_id}", "method": "DELETE", "model": "", "first_token": None},
    }
    return tuple(logged(300 - n, **kinds.get(n, {})) for n in range(count))


ON = ApiPicture("on", True, "http://127.0.0.1:8642", port=8642, model=MODEL, keys=())
OFF = replace(ON, stage="off", enabled=False, address="")
TAKEN = Unavailable(
    Phrase("Port 8642 is used by another program.", "端口 8642 已被其他程序占用。"),
    Phrase("Choose another port, or end that program.", "请换一个端口，或关闭占用它的程序。"),
    "port_in_use",
)
FAILED = replace(OFF, stage="failed", enabled=True, message=TAKEN.message, hint=TAKEN.hint, port_taken=True)
OPEN = replace(ON, open_to_all=True)


def busy(language: Language = "en") -> ApiPicture:
    made = keys(language)
    return replace(
        ON, keys=made, last_used={made[0].id: time.time() - 40, made[1].id: time.time() - 3 * DAY}, live=LIVE
    )


def made(language: Language = "en") -> ApiPicture:
    new = keys(language)[0]
    return replace(busy(language), made=MadeKey(new, f"dsk_{new.id}_" + "9f3a41c07be2d865" * 4))


def page(
    picture: Callable[[Language], ApiPicture],
    place: str = "connect",
    then: Callable[[ApiPage], object] = lambda _: None,
    rows: int = 30,
) -> Scene:
    def scene(studio: "Studio") -> None:
        requests = RequestList()
        requests.show_newest(entries(rows))
        page = ApiPage(requests)
        page.show_settings(Settings())
        page.show_picture(picture(studio.language))
        page.show_place(place)
        studio.window.add_page("api", page)
        studio.window.show_page("api")
        then(page)

    return scene


def filled(page: ApiPage) -> None:
    form = page.keys.form
    page.keys.ask()
    form.name.setText("Editor")
    form.models.setText("r1-*")
    form.requests.setValue(60)


def opened(page: ApiPage) -> None:
    view = page.requests.view
    view.setCurrentIndex(view.model().index(0, 0))


def wrong(page: ApiPage) -> None:
    why = Phrase("Not an address of a web page.", "不是网页地址。")
    page.rows["api.origins"].show_error(why)


def elsewhere(studio: "Studio") -> None:
    """The port is taken when the window opens."""
    studio.with_conversations()
    studio.window.notices.post(error_notice(TAKEN))


SCENES: dict[str, Scene] = {
    "api_off": page(lambda _: OFF, rows=0),
    "api_on": page(lambda _: ON),
    "api_claude": page(made, then=lambda one: one.examples.show_client("claude")),
    "api_documents": page(busy, then=lambda one: one.examples.show_client("documents")),
    "api_keys": page(busy, "keys"),
    "api_no_key": page(lambda _: ON, "keys"),
    "api_new_key": page(busy, "keys", filled),
    "api_secret": page(made, "keys"),
    "api_requests": page(busy, "requests"),
    "api_request": page(busy, "requests", opened),
    "api_nothing": page(lambda _: ON, "requests", rows=0),
    "api_failed": page(lambda _: FAILED, "options"),
    "api_open": page(lambda _: OPEN),
    "api_options": page(busy, "options", wrong),
    "api_notice": elsewhere,
}
