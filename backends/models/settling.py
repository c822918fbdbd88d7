"""What has come is made to last.

A model may be used as soon as its sum is right; until the disk has written the last of it, a minute may go by, and the
power may go. Until then the receipt says in which run of the machine (`boot`) the bytes were written. A receipt of an
earlier run, whose bytes may not be there, becomes a download again, of which everything has come and nothing is proven:
going on with it looks through it and mends what is missing.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from backends.core.errors import Unavailable
from backends.core.files import sync_folder
from backends.models import partial
from backends.models.boot import still_runs
from backends.models.part_file import PartFile
from backends.models.partial import RECEIPT, Record

log = logging.getLogger(__name__)


def settle(models: Path, target: Path) -> None:
    """Make a finished model last. Raises OSError."""
    receipt = partial.read_record(target, RECEIPT)
    if receipt is None or not receipt.boot:
        return
    for part in receipt.parts:
        with partial.place(models, receipt.repo, part.file, receipt.version).open("r+b") as file:
            os.fsync(file.fileno())
    sync_folder(target.parent)
    partial.write_record(target, replace(receipt, boot=0.0), RECEIPT)


def take_back(models: Path, target: Path, receipt: Record, missing: Mapping[str, Sequence[int]]) -> None:
    """Make a download of an installed model: everything has come but the blocks that are `missing` (by file), and
    nothing is proven. Raises OSError."""
    begun = tuple(replace(part, checked=False, blocks="") for part in receipt.parts)
    partial.write_record(target, replace(receipt, parts=begun, boot=0.0))
    for part in receipt.parts:
        path = partial.place(models, receipt.repo, part.file, receipt.version)
        if path.exists():
            path.replace(partial.part_path(path))
            os.truncate(partial.part_path(path), part.size)
            with PartFile(partial.part_path(path), part.size) as file:
                file.map.believe(part.blocks)
                file.map.forget(missing.get(part.file, ()))
    target.with_name(target.name + RECEIPT).unlink(missing_ok=True)


def take_back_unsettled(models: Path) -> None:
    """Do so with models that came just before the power went."""
    for path in sorted([*models.glob(f"*/*.gguf{RECEIPT}"), *models.glob(f"*/*/*.gguf{RECEIPT}")]):
        target = path.with_name(path.name.removesuffix(RECEIPT))
        receipt = partial.read_record(target, RECEIPT)
        if receipt is None or still_runs(receipt.boot) or not partial.belongs(models, target, receipt):
            continue
        log.warning("%s came just before the machine ended; it is looked through", target)
        try:
            with partial.claim(models, target):
                take_back(models, target, receipt, {})
        except OSError as error:
            log.warning("%s cannot be looked through: %s", target, error)
        except Unavailable as error:
            log.info("%s", error)  # somebody else does
