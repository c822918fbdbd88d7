"""The file of settings: values that make no sense, a file that cannot be read."""

import json

from backends.doctor import settings
from tests.kit.patients import Home, told


def test_settings_in_order(home: Home) -> None:
    assert told(home.look(settings.look)) == {"settings_ok": "ok"}
    (home.paths.config / "settings.json").write_text(json.dumps({"api": {"port": 9000}}))
    assert told(home.look(settings.look)) == {"settings_ok": "ok"}


def test_a_value_that_makes_no_sense_is_named_and_stays(home: Home) -> None:
    path = home.paths.config / "settings.json"
    path.write_text(json.dumps({"api": {"port": "many"}, "network": {"proxy": "http://user:pa ss@@"}}))
    found = home.look(settings.look)
    assert told(found) == {"bad_setting": "warn"}
    assert {one.target for one in found} == {"api.port", "network.proxy"}
    assert all(one.target in one.what.en and one.action for one in found)
    assert "many" in path.read_text()


def test_a_damaged_file_is_told_of_afterwards_too(home: Home) -> None:
    (home.paths.config / "settings.json").write_text("{ half of it")
    [found] = home.look(settings.look)
    assert (found.code, found.verdict, found.action) == ("bad_setting", "warn", None)  # put aside, as each start does
    assert told(home.look(settings.look)) == {"settings_put_aside": "warn"}


def test_a_file_that_cannot_be_read(home: Home) -> None:
    (home.paths.config / "settings.json").mkdir()
    [found] = home.look(settings.look)
    assert found.verdict == "fail"
