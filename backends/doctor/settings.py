"""The file of settings: what in it is not understood, and what was put aside."""

from collections.abc import Iterator
from itertools import zip_longest

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.phrase import Phrase
from backends.core.settings import SettingsStore
from backends.doctor.case import Case
from backends.doctor.types import Finding
from backends.doctor.words import place


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    path = case.paths.config / "settings.json"
    try:
        store = SettingsStore(path)
    except StorageError as error:
        yield Finding("settings", error.code, "fail", error.message, error.hint)
        return
    for notice, key in zip_longest(store.notices, store.refused):  # of a damaged file there is one notice and no key
        yield Finding(
            "settings",
            "bad_setting",
            "warn",
            notice,
            Phrase("Set it again on the page of settings.", "请在设置页面重新设置。"),
            "settings_models" if key else None,
            subject=key or "",
            target=key or "",
        )
    aside = sorted(path.parent.glob(f"{path.name}.corrupt-*")) if path.parent.is_dir() else []
    if aside and not store.notices:
        shown = place(aside[-1], case.paths.home)
        yield Finding(
            "settings",
            "settings_put_aside",
            "warn",
            Phrase(
                f"The settings could not be read once and began anew. The old file is {shown}.",
                f"设置文件曾无法读取，已重新开始。原文件为 {shown}。",
            ),
            Phrase("Look into it for what you miss, then delete it.", "可从中找回需要的设置，之后删除即可。"),
            details={"count": len(aside)},
        )
    if not aside and not store.notices:
        yield Finding("settings", "settings_ok", "ok", Phrase("All settings are understood.", "所有设置均有效。"))
