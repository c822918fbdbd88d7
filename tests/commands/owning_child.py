"""Owns the data folder and serves commands, as the open window does, until standard input ends."""

import sys

from backends import commands
from backends.core.owner import Owner
from backends.core.paths import Paths
from backends.services import Services


def main() -> None:
    paths = Paths.find()
    owner = Owner.acquire(paths)
    assert owner is not None
    with Services.open(paths) as services:
        owner.serve(lambda request, out, cancel: commands.run(request, services, out, cancel))
        print("ready", flush=True)
        sys.stdin.read()
        owner.close()


if __name__ == "__main__":
    main()
