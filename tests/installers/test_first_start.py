"""From nothing to a running command, and how little the second start costs."""

import json
import shutil
import subprocess

import pytest

from tests.kit.set_up import Bench, FirstRun, closed_port


def test_a_first_start_sets_up_and_runs_the_command(prepared: tuple[Bench, FirstRun]) -> None:
    _, first = prepared
    said = json.loads(first.stdout)
    assert said == {"arguments": ["ask", "why", "--json"], "stdin": "read me", "word": "tiny"}
    assert first.returncode == 7
    assert "Making the Python environment" in first.stderr
    assert "Engine: llama-cpp-python 0.3.36, cpu, because it runs everywhere; it runs on A CPU." in first.stderr
    assert "/simple/tiny/tiny-1.0-py3-none-any.whl" in first.requests
    assert not any("toolbox" in request for request in first.requests)


def test_a_second_start_asks_neither_pip_nor_the_network(bench: Bench) -> None:
    shutil.rmtree(bench.project.site_packages() / "pip")
    log = bench.project.log.read_bytes()
    second = bench.run("hardware")
    assert (second.returncode, second.stderr) == (7, "")
    assert json.loads(second.stdout)["arguments"] == ["hardware"]
    assert bench.index.requests == []
    assert bench.project.log.read_bytes() == log


def test_a_moved_project_is_linked_anew_without_pip(prepared: tuple[Bench, object], bench: Bench) -> None:
    bench.project.write_stamp("project", str(prepared[0].root))
    assert bench.run("models").returncode == 7
    launched = subprocess.run([bench.project.scripts / "deskseek", "a b"], input="", capture_output=True, text=True)
    assert (launched.returncode, json.loads(launched.stdout)["arguments"]) == (7, ["a b"])
    assert (bench.project.site_packages() / "deskseek.pth").read_text(encoding="utf-8") == f"{bench.root}\n"
    assert bench.index.requests == []


def test_without_words_the_window_opens(bench: Bench) -> None:
    opened = bench.run(QT_QPA_PLATFORM="minimal")
    assert (opened.returncode, opened.stdout) == (0, "window minimal\n")


def test_what_lies_in_the_current_folder_is_not_run(bench: Bench) -> None:
    trap = bench.root.parent / "backends"
    trap.mkdir()
    (trap / "__init__.py").touch()
    (trap / "__main__.py").write_text("print('trapped')", encoding="utf-8")
    assert "trapped" not in bench.run("ask").stdout


def test_a_new_lock_is_installed_at_the_next_start(bench: Bench) -> None:
    lock = bench.project.lock
    lock.write_text(lock.read_text(encoding="utf-8") + "# newer\n", encoding="utf-8")
    again = bench.run("ask")
    assert again.returncode == 7
    assert "Installing the packages of requirements.lock" in again.stderr
    assert "Making the Python environment" not in again.stderr


def test_a_package_with_another_hash_is_refused(bench: Bench) -> None:
    lock = bench.project.lock
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text[: text.index("sha256:") + 7] + "0" * 64 + "\n", encoding="utf-8")
    shutil.rmtree(next(bench.project.site_packages().glob("tiny-*.dist-info")))
    refused = bench.run("ask")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "pip could not install the packages." in refused.stderr


def test_the_extra_for_scanned_pages_is_installed_when_asked_for_and_stays(bench: Bench) -> None:
    assert not list(bench.project.site_packages().glob("eyes-*"))
    installed = bench.run("ocr", LANG="zh_CN.UTF-8")
    assert (installed.returncode, installed.stdout) == (0, "")
    assert installed.stderr.splitlines()[-1] == "现在可以识别扫描页了。如果 DeskSeek 已打开，请重新启动。"
    assert "/simple/eyes/eyes-3.0-py3-none-any.whl" in bench.index.requests
    bench.index.requests.clear()
    again = bench.run("ocr")
    assert again.stderr == "Scanned pages can be recognised now. Start DeskSeek anew if it is open.\n"
    assert bench.index.requests == []
    bench.project.write_stamp("started", "dependencies")  # cut off: all is made anew, and that with it
    bench.forget("dependencies")
    assert bench.run("ask").returncode == 7
    assert list(bench.project.site_packages().glob("eyes-3.0.dist-info"))


def test_the_extra_is_not_there_without_a_network_and_all_else_works(bench: Bench) -> None:
    stopped = bench.run("ocr", PIP_INDEX_URL=f"http://127.0.0.1:{closed_port()}/simple")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.splitlines()[-1].startswith("127.0.0.1 cannot be reached, so nothing was installed.")
    assert bench.project.read_stamp("ocr") == {}
    assert bench.run("ask").returncode == 7


@pytest.mark.parametrize("command", ["setup", "shortcut", "ocr"])
def test_words_that_make_no_sense_are_wrong_usage(bench: Bench, command: str) -> None:
    wrong = bench.run(command, "now")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert f"`run.py {command}` takes no further words." in wrong.stderr
