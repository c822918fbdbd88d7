"""Settings as data: what is in the file, what is made of it, what is written back."""

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, StorageError
from backends.core.settings import FIELDS, GROUPS, Settings, SettingsStore, spec, value_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def written(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_first_start_has_the_usual_settings_and_writes_nothing(path: Path) -> None:
    store = SettingsStore(path)
    assert store.current == Settings()
    assert store.notices == ()
    assert not path.exists()
    assert store.current.models.context == 16384
    assert store.current.network.endpoint == "https://huggingface.co"


def test_a_change_is_there_after_a_restart_and_only_it_is_written(path: Path) -> None:
    store = SettingsStore(path)
    assert store.set("general.theme", "dark").general.theme == "dark"
    store.set("models.folder", "/大模型/models")
    assert written(path) == {"general": {"theme": "dark"}, "models": {"folder": "/大模型/models"}}
    again = SettingsStore(path)
    assert again.current == store.current
    assert again.reset("general.theme").general.theme == "system"
    assert written(path)["general"] == {}
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("general.theme", "pink"),
        ("general.theme", 3),
        ("general.theme", ["dark"]),
        ("models.context", 512),
        ("models.context", 2_000_000),
        ("models.context", "16384"),
        ("models.context", 4096.5),
        ("models.context", True),
        ("models.min_speed", float("nan")),
        ("models.min_speed", -1),
        ("models.load_at_start", 1),
        ("engine.gpu_layers", -2),
        ("network.endpoint", "huggingface.co"),
        ("network.endpoint", "ftp://huggingface.co"),
        ("network.endpoint", "https://user:key@huggingface.co"),
        ("network.endpoint", "https://huggingface.co:port"),
        ("network.endpoint", "https://huggingface.co?x=1"),
        ("network.proxy", "telnet://proxy"),
        ("network.ca_file", "a\nb"),
        ("chat.system_prompt", "a\x00b"),
        ("chat.system_prompt", "x" * 20_001),
        ("chat.enter_sends", None),
    ],
)
def test_a_bad_value_is_refused_in_words_and_changes_nothing(path: Path, key: str, value: object) -> None:
    store = SettingsStore(path)
    with pytest.raises(InvalidInput) as failure:
        store.set(key, value)
    assert failure.value.code == "bad_setting"
    assert spec(key).label.en in failure.value.message.en
    assert spec(key).label.zh in failure.value.message.zh
    assert store.current == Settings()
    assert not path.exists()


def test_good_values_of_every_kind(path: Path) -> None:
    store = SettingsStore(path)
    store.set("models.min_speed", 7)
    store.set("engine.gpu_layers", 0)
    store.set("network.endpoint", " https://hf-mirror.com/ ")
    store.set("network.proxy", "127.0.0.1:7890")
    store.set("chat.system_prompt", "Be brief.\n用中文回答。\t")
    store.set("chat.enter_sends", False)
    current = SettingsStore(path).current
    assert current.models.min_speed == 7.0
    assert current.network.endpoint == "https://hf-mirror.com"
    assert current.chat.system_prompt == "Be brief.\n用中文回答。\t"
    assert not current.chat.enter_sends


def test_an_unknown_setting_is_said_so_with_those_there_are(path: Path) -> None:
    for key in ("general", "general.colour", "theme", ""):
        with pytest.raises(InvalidInput) as failure:
            SettingsStore(path).set(key, "dark")
        assert failure.value.code == "unknown_setting"
        assert "general.theme" in failure.value.hint.en


def test_a_bad_value_in_the_file_is_the_default_with_a_notice(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"models": {"context": "lots", "min_speed": 9}, "general": 5}')
    store = SettingsStore(path)
    assert store.current.models.context == 16384
    assert store.current.models.min_speed == 9
    assert store.current.general == Settings().general
    assert any("Context length" in notice.en and "上下文长度" in notice.zh for notice in store.notices)


def test_what_a_newer_version_wrote_stays(path: Path) -> None:
    path.parent.mkdir()
    newer = {"general": {"theme": "sepia", "font": 14}, "voice": {"on": True}, "version": 7}
    path.write_text(json.dumps(newer))
    SettingsStore(path).set("models.context", 8192)
    assert written(path) == {**newer, "models": {"context": 8192}}


@pytest.mark.parametrize("content", [b"{", b"[1]", b"null", b"\xff\xfe\x00", b"", b"[" * 100_000])
def test_a_broken_file_is_kept_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = SettingsStore(path)
    assert store.current == Settings()
    aside = list(path.parent.glob("settings.json.corrupt-*"))
    assert [file.read_bytes() for file in aside] == [content]
    assert str(aside[0]) in store.notices[0].zh
    store.set("general.theme", "dark")
    assert SettingsStore(path).current.general.theme == "dark"


def test_two_broken_files_are_both_kept(path: Path) -> None:
    path.parent.mkdir()
    for content in ("one", "two"):
        path.write_text(content)
        SettingsStore(path)
    assert sorted(file.read_text() for file in path.parent.glob("*.corrupt-*")) == ["one", "two"]


def test_a_file_from_the_editor_of_windows_is_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'\xef\xbb\xbf{\r\n"general": {"language": "zh"}\r\n}')
    assert SettingsStore(path).current.general.language == "zh"


def test_whoever_subscribed_hears_of_changes_and_of_nothing_else(path: Path) -> None:
    store = SettingsStore(path)
    heard: list[Settings] = []
    end = store.subscribe(heard.append)
    store.set("general.theme", "dark")
    store.set("general.theme", "dark")
    with pytest.raises(InvalidInput):
        store.set("general.theme", "pink")
    store.reset("general.theme")
    end()
    store.set("general.theme", "light")
    assert [settings.general.theme for settings in heard] == ["dark", "system"]


def test_a_subscriber_may_change_a_setting(path: Path) -> None:
    store = SettingsStore(path)

    def darken(settings: Settings) -> None:
        end()
        store.set("general.theme", "dark")

    end = store.subscribe(darken)
    store.set("general.language", "zh")
    assert store.current.general.theme == "dark"


def test_when_the_file_cannot_be_written_nothing_has_changed(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    store = SettingsStore(blocked / "settings.json")
    blocked.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        store.set("general.theme", "dark")
    assert store.current == Settings()


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    with pytest.raises(StorageError):
        SettingsStore(tmp_path / "settings.json")


def test_every_setting_has_words_in_both_languages_and_a_default_that_holds() -> None:
    assert {one.group for one in FIELDS} == set(GROUPS) == {group.name for group in fields(Settings)}
    for one in FIELDS:
        assert one.check(one.default) == one.default
        assert value_of(Settings(), one.key) == one.default
        for phrase in (one.label, one.help, *(choice.label for choice in one.choices)):
            assert phrase.en
            assert phrase.zh
        assert one.help.en[-1] == "."
        assert one.help.zh[-1] == "。"


def test_values_as_they_are_typed_at_the_command_line() -> None:
    assert spec("models.context").parse(" 8192 ") == 8192
    assert spec("models.min_speed").parse("7.5") == 7.5
    assert spec("models.load_at_start").parse("off") is False
    assert spec("models.load_at_start").parse("Yes") is True
    assert spec("general.theme").parse("dark") == "dark"
    assert spec("chat.system_prompt").parse(" as it is ") == " as it is "
    for key, text in (("models.context", "8k"), ("models.load_at_start", "maybe"), ("models.min_speed", "nan")):
        with pytest.raises(InvalidInput):
            spec(key).parse(text)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
def test_killed_in_the_middle_of_saving_the_file_is_always_whole(path: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from backends.core.settings import SettingsStore\n"
        "store = SettingsStore(Path(sys.argv[1]))\n"
        "print('begun', flush=True)\n"
        "n = 0\n"
        "while True: n += 1; store.set('chat.system_prompt', f'{n} ' * 2000)\n"
    )
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        assert child.stdout
        child.stdout.readline()
        before = path.stat().st_mtime_ns if path.exists() else 0
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.communicate()
        store = SettingsStore(path)
        assert store.notices == ()
        prompt = store.current.chat.system_prompt
        assert prompt == f"{prompt.split()[0]} " * 2000


# ---- addresses of hubs, memory to leave free


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        (" , ,", ""),
        ("https://hf-mirror.com/", "https://hf-mirror.com"),
        ("https://hf-mirror.com,https://modelscope.cn/", "https://hf-mirror.com, https://modelscope.cn"),
        (" modelscope:http://10.0.0.5:9000 ", "modelscope:http://10.0.0.5:9000"),
        ("http://[::1]:80, http://nas.lan/hub", "http://[::1]:80, http://nas.lan/hub"),
    ],
)
def test_more_sources_are_addresses_with_commas_between_them(path: Path, given: str, kept: str) -> None:
    assert SettingsStore(path).set("network.more_sources", given).network.more_sources == kept
    assert SettingsStore(path).current.network.more_sources == kept


@pytest.mark.parametrize(
    "value",
    [
        "hf-mirror.com", "https://a, nonsense", "ftp://a", "modelscope:", "modelscope:a", "http://u:p@a", "http://:p@a",
        "http://@a", "https://a?x=1", "https://a#b", "https://a:port", "https://a:0", "https://a\nb", "https://[::1",
        "http://" + "a" * 1000, 3,
    ],
)  # fmt: skip
def test_what_is_no_list_of_sources_is_refused_and_nothing_changes(path: Path, value: object) -> None:
    store = SettingsStore(path)
    with pytest.raises(InvalidInput) as error:
        store.set("network.more_sources", value)
    assert error.value.code == "bad_setting"
    assert store.current == Settings()
    assert not path.exists()


def test_each_source_is_tried_once_in_order_and_has_its_own_host(path: Path) -> None:
    store = SettingsStore(path)
    store.set("network.more_sources", "https://hf-mirror.com, https://huggingface.co, modelscope:http://10.0.0.5:90")
    network = store.current.network
    assert network.sources == ("https://huggingface.co", "https://hf-mirror.com", "modelscope:http://10.0.0.5:90")
    assert network.hosts == ("huggingface.co", "hf-mirror.com", "10.0.0.5:90")


@pytest.mark.parametrize(("given", "kept"), [("0", "0"), ("1024", "1024"), (" 1024 , 2048,0", "1024,2048,0")])
def test_memory_to_leave_free_is_one_number_for_each_card(path: Path, given: str, kept: str) -> None:
    assert SettingsStore(path).set("engine.gpu_margin", given).engine.gpu_margin == kept


@pytest.mark.parametrize("value", ["", ",", "1024,", "1024;2048", "-1", "1.5", "1 GB", "12345678", "٣" * 8, "²", 1024])
def test_what_is_no_memory_to_leave_free_is_refused(path: Path, value: object) -> None:
    with pytest.raises(InvalidInput) as error:
        SettingsStore(path).set("engine.gpu_margin", value)
    assert "1024,2048" in error.value.message.en
