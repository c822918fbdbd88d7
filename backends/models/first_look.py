"""The first bytes of a model while they come in: a few say that it is one, the header what it is."""

from backends.core.errors import InvalidInput
from backends.models.gguf_bounds import check_architecture, check_bounds
from backends.models.gguf_format import MAGIC, NeedMoreBytes, read_container
from backends.models.part_file import PartFile
from backends.models.types import KINDS


class FirstLook:
    """`first`: of the parts of a split, this one tells the architecture; `alone`: it lists all tensors."""

    def __init__(self, file: PartFile, *, first: bool, alone: bool) -> None:
        self._file = file
        self._first = first
        self._alone = alone
        self.refused = False
        self._wanted = len(MAGIC)

    def again(self) -> None:
        """The file begins anew."""
        self.refused, self._wanted = False, len(MAGIC)

    def settled(self) -> bool:
        """Nothing more is to be seen."""
        return not self._wanted

    def look(self) -> None:
        """Raises InvalidInput if this file can never be a model that runs here."""
        there = self._file.map.beginning
        if not self._wanted or there < min(self._wanted, self._file.size):
            return
        try:
            self._read(self._file.start(there))
        except InvalidInput:
            self.refused = True
            raise

    def _read(self, head: bytes) -> None:
        try:
            container = read_container(head, self._file.size)
        except NeedMoreBytes as need:
            self._wanted = max(need.count, 2 * len(head))
            return
        self._wanted = 0
        if self._first:
            architecture = str(container.metadata.get("general.architecture", ""))
            check_architecture(architecture, container.metadata, KINDS, [one.name for one in container.tensors])
            if self._alone:
                check_bounds(architecture, container)
