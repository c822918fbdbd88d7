"""Where tokens are kept (SEC-51): in the keyring of the system or in memory, never in a file."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.secrets import ALLOWED, Secrets
from tests.kit.keyrings import Silent, Vault

KIT = "tests.kit.keyrings"


@pytest.fixture(autouse=True)
def empty_vault() -> Iterator[None]:
    Vault.kept.clear()
    Silent.asked.clear()
    Silent.closing.clear()
    yield
    Silent.closing.set()


def test_a_secret_outlives_the_program_in_a_keyring() -> None:
    secrets = Secrets(candidates=[f"{KIT}.NotHere", "no.such.module.Keyring", f"{KIT}.Vault"])
    assert secrets.get("hub token") is None
    secrets.set("hub token", "hf_secret")
    assert secrets.get("hub token") == "hf_secret"
    assert secrets.persistent
    assert secrets.notice.en == secrets.notice.zh == ""
    assert Vault.kept == {("DeskSeek", "hub token"): "hf_secret"}
    again = Secrets(candidates=[f"{KIT}.Vault"])
    assert again.get("hub token") == "hf_secret"
    again.delete("hub token")
    again.delete("hub token")
    assert again.get("hub token") is None
    assert Vault.kept == {}


def test_without_a_keyring_secrets_last_until_the_end_and_the_person_is_told() -> None:
    secrets = Secrets(candidates=[f"{KIT}.NotHere"])
    assert not secrets.persistent
    assert "memory" in secrets.notice.en
    assert "内存" in secrets.notice.zh
    secrets.set("hub token", "hf_secret")
    assert secrets.get("hub token") == "hf_secret"
    secrets.delete("hub token")
    assert secrets.get("hub token") is None
    assert Secrets(candidates=[]).get("hub token") is None


def test_a_keyring_that_stays_locked_is_left_alone() -> None:
    secrets = Secrets(candidates=[f"{KIT}.Locked"])
    assert secrets.persistent
    assert secrets.get("hub token") is None
    assert not secrets.persistent
    assert "does not answer" in secrets.notice.en
    secrets.set("hub token", "hf_secret")
    assert secrets.get("hub token") == "hf_secret"
    assert Vault.kept == {}


def test_a_keyring_that_never_answers_is_asked_once() -> None:
    secrets = Secrets(candidates=[f"{KIT}.Silent"], unlock_within=0.1)
    assert secrets.get("one") is None
    assert secrets.get("two") is None
    secrets.delete("three")
    assert Silent.asked == ["one"]
    assert not secrets.persistent


def test_only_keyrings_of_the_system_are_allowed() -> None:
    assert all(name.startswith("keyring.backends.") for name in ALLOWED)
    refused = ("null", "fail", "chainer", "alt", "file", "Plaintext")
    assert not any(word in name for name in ALLOWED for word in refused)


def test_a_plain_text_keyring_that_the_environment_names_gets_nothing(tmp_path: Path) -> None:
    """A keyring plug-in that writes a file, named by an environment variable and a configuration file, on a machine
    without a desktop: nothing is written, and nothing hangs."""
    plug_in = tmp_path / "plain_file.py"
    plug_in.write_text(
        "from keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 9\n"
        "    def get_password(self, service, username): return None\n"
        "    def set_password(self, service, username, password):\n"
        f"        open({str(tmp_path / 'passwords.txt')!r}, 'w').write(password)\n"
        "    def delete_password(self, service, username): pass\n"
    )
    home = tmp_path / "home"
    configuration = home / ".config" / "python_keyring" / "keyringrc.cfg"
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[backend]\ndefault-keyring=plain_file.Keyring\n")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_"))},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
        "PYTHON_KEYRING_BACKEND": "plain_file.Keyring",
    }
    code = (
        "from backends.core.secrets import Secrets\n"
        "secrets = Secrets()\n"
        "secrets.set('hub token', 'hf_canary_value')\n"
        "print(secrets.get('hub token'))\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert child.stdout.strip() == "hf_canary_value"
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"hf_canary_value" in file.read_bytes() for file in files)
