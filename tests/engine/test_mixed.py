"""A thousand mixed requests; `python -m tests.bench soak --only mixed` asks ten thousand."""

import json
import subprocess
import sys

from tests.kit.shell import ROOT


def test_each_of_a_thousand_says_what_it_says_alone_and_nothing_stays_behind() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.kit.mixture", "1000", "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    ended = json.loads(told.stdout)["requests"]
    assert sum(ended.values()) == 1000
    assert min(ended[reason] for reason in ("stop", "length", "cancelled")) > 50
    assert ended["bad_grammar"] > 0
    assert ended["context_too_long"] > 0
