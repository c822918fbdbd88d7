"""The log holds no secrets (SEC-50) and belongs to this user."""

import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core import log

SECRETS = {
    "a key of DeepSeek": ("sk-0123456789abcdef0123456789abcdef", "key sk-0123456789abcdef0123456789abcdef used"),
    "a token of the hub": ("hf_AbCdEfGhIjKlMnOpQrSt", "token hf_AbCdEfGhIjKlMnOpQrSt"),
    "a key of ours": ("dsk_ab12_c3d4e5f6", "dsk_ab12_c3d4e5f6"),
    "a bearer": ("abc.DEF-123_~+/=", "Authorization: Bearer abc.DEF-123_~+/="),
    "a basic login": ("bGk6cEBzcw==", "'proxy-authorization': 'Basic bGk6cEBzcw=='"),
    "user-info": ("li:p%40ss", "GET https://li:p%40ss@proxy.corp:8080/x"),
    "a query": ("q1w2e3", "GET https://cdn.example/file?X-Amz-Signature=q1w2e3&size=7"),
    "a token in a query": ("q1w2e3", "https://hub.example/x?token=q1w2e3"),
    "a field": ("p w, d", '{"password": "p w, d", "user": "li"}'),
    "a keyword": ("s3cr3t", "connect(api_key=s3cr3t, timeout=3)"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    level = root.level
    handler = log.configure(tmp_path / "logs")
    yield tmp_path / "logs"
    log.close(handler)
    root.setLevel(level)
    logging.captureWarnings(False)


def text(folder: Path) -> str:
    return (folder / log.FILE_NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_reaches_the_file(folder: Path, name: str) -> None:
    secret, line = SECRETS[name]
    logging.getLogger("backends.test").warning(line)
    logging.getLogger("backends.test").warning("as an argument: %s", line)
    try:
        raise RuntimeError(line)
    except RuntimeError:
        logging.getLogger("somebody.else").exception("it failed")
    assert secret not in text(folder)
    assert text(folder).count("…") == 3


def test_what_is_no_secret_stays_readable(folder: Path) -> None:
    lines = [
        "max_tokens=5 n_tokens: 7 tokenizer=gpt2 prefill_tokens_per_s=12.5",
        "GET https://huggingface.co/deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
        "loaded /home/li/models/sk/model.gguf in 3.2 s, 模型已加载",
    ]
    for line in lines:
        logging.getLogger("backends.test").info(line)
    assert all(line in text(folder) for line in lines)


def test_the_file_is_private(folder: Path) -> None:
    logging.getLogger("backends.test").info("begun")
    if sys.platform != "win32":
        assert (folder / log.FILE_NAME).stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700


def test_what_only_developers_want_is_left_out_unless_asked_for(folder: Path, tmp_path: Path) -> None:
    quiet, ours = logging.getLogger("httpcore2.connection"), logging.getLogger("backends.test")
    quiet.info("connect_tcp.started")
    ours.debug("a detail")
    assert not (folder / log.FILE_NAME).exists() or "detail" not in text(folder)
    handler = log.configure(tmp_path / "other", debug=True)
    ours.debug("a detail")
    quiet.info("connect_tcp.started")
    assert "a detail" in text(tmp_path / "other")
    assert "connect_tcp" not in text(tmp_path / "other")
    log.close(handler)


def test_configured_again_it_moves_and_does_not_write_twice(folder: Path, tmp_path: Path) -> None:
    handler = log.configure(tmp_path / "other")
    logging.getLogger("backends.test").info("here")
    assert not (folder / log.FILE_NAME).exists()
    assert text(tmp_path / "other").count("here") == 1
    log.close(handler)


def test_warnings_of_python_are_logged(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way, token=q1w2e3", DeprecationWarning, stacklevel=1)
    assert "old way" in text(folder)
    assert "q1w2e3" not in text(folder)


def test_the_log_does_not_grow_for_ever(folder: Path) -> None:
    line = "x" * 100_000
    for _ in range(100):
        logging.getLogger("backends.test").info(line)
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["deskseek.log", "deskseek.log.1", "deskseek.log.2", "deskseek.log.3"]
    assert sum(file.stat().st_size for file in folder.iterdir()) < 9_000_000
    if sys.platform != "win32":
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
