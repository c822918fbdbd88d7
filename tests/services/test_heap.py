"""Memory that many threads have taken for a while is not kept for each of them."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from backends.core.heap import HEAPS
from tests.kit.shell import ROOT


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems have one heap for all threads")
def test_all_threads_share_a_few_heaps(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "heaps_child.py"), str(tmp_path), "8"],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(said.stdout) <= HEAPS
