"""What the export sheet shows, and what a person asked for there."""

from dataclasses import dataclass
from pathlib import Path

from backends.chat.export.types import Extent, Selection

FORMS = ("md", "html", "docx", "pdf", "json")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be exported. `count`: of conversations."""

    selection: Selection
    count: int = 1

    @property
    def extent(self) -> Extent:
        return self.selection.extent


@dataclass(frozen=True, slots=True)
class ExportPicture:
    """`path`: where it goes. `labelled`: what a model wrote is marked. `fraction`: while it runs."""

    choices: tuple[Choice, ...]
    title: str
    path: Path
    form: str = "md"
    labelled: bool = True
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class AskedExport:
    selection: Selection
    form: str
    thinking: bool
