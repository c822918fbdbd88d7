"""What comes into the process, what leaves it, and what a text may do to it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backends.engine.native import Model, library
from tests.kit.ggufs import random_model

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, *arguments: object, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("module", ["protocol", "loader"])
def test_the_engine_is_known_without_llama(module: str) -> None:
    heavy = ("llama_cpp", "numpy", "PySide6", "jinja2")
    code = f"import sys, backends.engine.{module}; print([name for name in {heavy} if name in sys.modules])"
    assert python(code).stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="the dynamic loader of glibc tells what it loads")
def test_a_planted_library_is_not_loaded(tmp_path: Path) -> None:
    """SEC-28: in the current directory and by environment."""
    real = Path(library().llama.__file__).parent / "lib" / "libggml-cpu.so"
    for name in ("libggml-cpu-planted.so", "libggml-cuda.so", "libggml-blas.so", "libllama.so"):
        shutil.copy(real, tmp_path / name)
    plants = {
        "LD_DEBUG": "files",
        "GGML_BACKEND_PATH": f"{tmp_path}/libggml-cuda.so",
        "LLAMA_CPP_LIB_PATH": str(tmp_path),
    }
    ours = "from backends.engine.loader import engine_info; print(len(engine_info().devices))"
    done = python(ours, folder=tmp_path, **plants)
    assert int(done.stdout) > 0
    assert str(tmp_path) not in done.stderr
    assert str(real.parent) in done.stderr
    theirs = f"import ctypes; ctypes.CDLL({str(real.with_name('libggml.so'))!r}).ggml_backend_load_all()"
    assert str(tmp_path) in python(theirs, folder=tmp_path, LD_DEBUG="files").stderr  # it would have been


def test_the_last_words_of_ggml_are_kept(tmp_path: Path) -> None:
    """A header that makes llama.cpp give up (it is not to get so far: models/gguf refuses it)."""
    path = random_model(tmp_path / "model.gguf")
    data = bytearray(path.read_bytes())
    at = data.index(b"qwen2.block_count") + len(b"qwen2.block_count") + 4
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    code = """if True:
        import sys
        from pathlib import Path
        from backends.engine import native
        native.write_aborts_to(Path(sys.argv[2]))
        native.Model(Path(sys.argv[1]), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    """
    done = python(code, path, tmp_path / "abort.txt")
    assert done.returncode != 0
    assert "GGML_ASSERT" in (tmp_path / "abort.txt").read_text()


@pytest.mark.parametrize("pre", ["deepseek-llm", "deepseek-coder", "deepseek-v3", "deepseek-r1-qwen"])
def test_a_long_run_of_anything_does_not_end_the_process(tmp_path: Path, pre: str) -> None:
    """std::regex overflows the stack at some 30,000 letters in a row (8 MiB; on other systems stacks are smaller)."""
    model = Model(
        random_model(tmp_path / "model.gguf", pre=pre), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True
    )
    text = "".join(run * 60_000 for run in ("a", "7", " ", "好", "─好", "!", "\n", "a.", "👍"))
    tokens = model.vocabulary.tokenise(text)
    assert b"".join(model.vocabulary.piece(token) for token in tokens).decode() == text
    model.close()


def test_odd_texts(tmp_path: Path) -> None:
    model = Model(random_model(tmp_path / "model.gguf"), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    vocabulary = model.vocabulary
    assert vocabulary.tokenise("") == []
    for text in ("a\0b", "\0", "é" * 3, "\U0010ffff"):
        assert b"".join(map(vocabulary.piece, vocabulary.tokenise(text))).decode() == text
    assert vocabulary.tokenise("\ud800") == vocabulary.tokenise("?")
    assert vocabulary.piece(vocabulary.eos).decode() == "<｜end▁of▁sentence｜>"
    assert vocabulary.eos in vocabulary.ends
    assert model.metadata("general.name") == "Random qwen2"
    assert model.metadata("no.such.key") == ""
    assert len(model.metadata("tokenizer.chat_template")) > 1000
    model.close()
