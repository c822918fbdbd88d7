"""Sets up DeskSeek and starts it: `python3 installers/run.py`.

    run.py                    set up if needed, then open the window
    run.py ask "..."          set up if needed, then the deskseek command with these words
    run.py setup              set up, or look again for a better engine
    run.py shortcut           put an entry to double-click where the system keeps them
    run.py ocr                install what reads the text of scanned pages
    run.py test [PYTEST...]   the project's own checks
    run.py lock [--upgrade]   write the lock files anew

This file alone must be understood by any Python, however old, so that the wrong one gets a sentence
and not a traceback: no annotations, no f-strings, no pathlib, nothing but ASCII.
"""

# ruff: noqa: PTH100, PTH113, PTH118, PTH120

import os
import sys

OLDEST = (3, 11)
CHINESE = "DeskSeek \u9700\u8981 Python 3.11 \u6216\u66f4\u9ad8\u7248\u672c\uff0c\u5f53\u524d\u7248\u672c\u4e3a "


def refusal(version, newer):
    """The sentence for a Python `version` (as text) that is too old; `newer` is one found beside it, or ""."""
    chinese = "zh" in (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "")
    command = newer or "python3.11"
    if chinese and sys.version_info[0] > 2:
        return CHINESE + version + "\u3002\u8bf7\u8fd0\u884c\uff1a" + command + " installers/run.py"
    return "DeskSeek needs Python 3.11 or newer, and this is " + version + ". Run: " + command + " installers/run.py"


def newer_python():
    """The name of a Python on the PATH that is new enough, or ""."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    for minor in range(OLDEST[1], OLDEST[1] + 4):
        name = "python3." + str(minor)
        for folder in folders:
            if os.path.isfile(os.path.join(folder, name)):
                return name
    return ""


def main():
    if sys.version_info < OLDEST:
        version = ".".join([str(number) for number in sys.version_info[:3]])
        sys.stderr.write(refusal(version, newer_python()) + "\n")
        return 1
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[0] = root
    from installers.start import start  # only a Python that passed can read it

    return start(root, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
