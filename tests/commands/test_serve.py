"""`deskseek serve`: programs are answered without a window, until it is told to end."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.commands.conftest import opened
from tests.kit.shell import ROOT

KEY = "a-key-that-somebody-made-0123456789"


@contextmanager
def serving(home: Path, *options: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """A server of its own process, and where it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backends", "serve", "--port", "0", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DESKSEEK_HOME": str(home)},
        cwd=home,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        ready = re.fullmatch(r"ready (https?://\S+)\n", line)
        assert ready, f"{line!r} {process.stderr.read() if process.poll() is not None else ''}"
        yield process, ready[1]
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(f"# for scripts\n\n{KEY}\n", encoding="utf-8")
    return path


def test_it_answers_one_who_has_the_key_and_ends_politely(stocked_home: Path, key_file: Path) -> None:
    options = ("--model", "tiny-Q4_K_M", "--api-key-file", str(key_file), "--parallel", "2", "--context", "1024")
    with serving(stocked_home, *options) as (process, url), httpx.Client(base_url=url, trust_env=False) as client:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        asked = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 200}
        assert client.post("/v1/chat/completions", json=asked, timeout=60).status_code == 401
        answer = client.post("/v1/chat/completions", json=asked, timeout=60, headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200
        assert answer.json()["model"] == "tiny-Q4_K_M"
        assert answer.json()["choices"][0]["message"]["content"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_polite_kill_lets_what_runs_end(stocked_home: Path) -> None:
    with (
        serving(stocked_home, "--no-auth", "--context", "1024") as (process, url),
        httpx.Client(base_url=url, trust_env=False, timeout=60) as client,
        client.stream(
            "POST",
            "/v1/chat/completions",
            json={"messages": [{"role": "user", "content": "count"}], "max_tokens": 60, "stream": True},
        ) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        process.send_signal(signal.SIGTERM)
        assert [line for line in lines if line][-1] == "data: [DONE]"
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--host", "0.0.0.0"), "not_safe"),
        (("--host", "0.0.0.0", "--no-auth"), "not_safe"),
        (("--tls-certificate", "cert.pem"), "bad_tls"),
        (("--api-key-file", "nowhere"), "no_file"),
        (("--model", "unknown-model"), "model_not_here"),
    ],
    ids=["beyond loopback", "without a key", "half of TLS", "no key file", "no model"],
)
def test_what_is_refused_before_anything_listens(tmp_path: Path, options: tuple[str, ...], code: str) -> None:
    with opened(tmp_path / "home") as inside:
        outcome = inside.run("serve", "--json", "--port", "0", *options)
        assert outcome.code == 1
        assert outcome.events[-1]["error"]["code"] == code
        assert inside.services.api.state.address == ""


def test_weak_keys_are_none(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("short\n")
    (tmp_path / "empty").write_text("# nothing\n")
    with opened(tmp_path / "home") as inside:
        for name in ("keys", "empty"):
            outcome = inside.run("serve", "--json", "--api-key-file", str(tmp_path / name))
            assert outcome.events[-1]["error"]["code"] == "bad_key"
