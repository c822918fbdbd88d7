"""A process that owns a data folder and serves commands, for tests: `python -m tests.kit.owners HOME [MODE]`.

It prints "owner" and serves until its standard input ends, or "taken" and leaves. MODE `silent` owns and does not
serve; `claim WORD…` claims, and if somebody else owns it prints what that one answered.
"""

import os
import sys
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.owner import CommandRequest, Output, Owner, claim
from backends.core.paths import Paths


def run(request: CommandRequest, out: Output, cancel: CancelToken) -> int:
    match request.argv:
        case ("echo", *words):
            out.write(" ".join(words) + "\n")
            out.error(f"in {request.cwd}, {request.language}\n")
            return 0
        case ("exit", code):
            return int(code)
        case ("count", to):
            for number in range(int(to)):
                out.write(f"{number}\n")
            return 0
        case ("wait", file):
            out.write("waiting\n")
            cancel.wait(60)
            Path(file).write_text("cancelled" if cancel.cancelled else "not cancelled")
            cancel.check()
            return 0
        case ("pid",):
            out.write(str(os.getpid()))
            return 0
        case ("die",):
            out.write("last words\n")
            os.kill(os.getpid(), 9)
        case ("bug",):
            raise ZeroDivisionError
    out.error("what?\n")
    return 2


def main() -> None:
    paths = Paths.under(Path(sys.argv[1]))
    mode, words = (sys.argv[2:] or ["serve"])[0], tuple(sys.argv[3:])
    if mode == "claim":
        owner = claim(paths, CommandRequest(words, str(Path.cwd()), "en"), sys.stdout, sys.stderr, patience=120)
        if isinstance(owner, int):
            sys.exit(owner)
    else:
        owner = Owner.acquire(paths)
        if owner is None:
            print("taken", flush=True)
            return
    if mode != "silent":
        owner.serve(run)
    print("owner", flush=True)
    sys.stdin.read()
    owner.close()


if __name__ == "__main__":
    main()
