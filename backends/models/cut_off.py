"""A file on this disk that holds a header and not all of its weights: a download on its way, or a header alone.

It cannot be loaded, but a plan needs no weights. llama.cpp is asked about a file with a hole, as for a model on a hub.
"""

import hashlib
from pathlib import Path

from backends.models import gguf
from backends.models.gguf_format import NeedMoreBytes, read_container, truncated
from backends.models.header_cache import HeaderCache
from backends.models.remote_header import RemoteHeader
from backends.models.types import KINDS

_ANY = 1 << 60  # bytes that the whole file may have, before the header tells


def header_of_cut_off(path: Path, cache: Path) -> RemoteHeader:
    """As `remote_header.fetch` gives it. Raises as `gguf.check`: InvalidInput (`truncated_file`) where the header is
    cut off too, or where the file is one of several."""
    try:
        with path.open("rb") as file:
            head = file.read(gguf.LARGEST_HEADER)
        container = read_container(head, _ANY)
    except (NeedMoreBytes, OSError) as error:
        raise truncated() from error
    last = max(container.tensors, key=lambda tensor: tensor.offset, default=None)
    size = container.data_start + (last.offset + last.size if last else 0)
    head = head[: container.data_start]
    container = read_container(head, size)
    header = gguf.header_of(container, path.name)
    if header.split_count > 1:
        raise truncated()
    header = gguf.checked(path.name, header, _no_part, KINDS)
    name = path.name if path.name.lower().endswith(".gguf") else f"{path.name}.gguf"
    entry = HeaderCache(cache).keep([f"{hashlib.sha256(head).hexdigest()} header {size}"], [(name, head, size)])
    return RemoteHeader(entry.path if entry else None, header, 0)


def _no_part(name: str) -> gguf.Header:
    raise truncated()
