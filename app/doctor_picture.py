"""What the page of the doctor shows."""

from dataclasses import dataclass
from typing import Literal

from backends.doctor.types import Finding, Verdict
from backends.doctor.words import worst

Stage = Literal["new", "looking", "stopped", "done"]


@dataclass(frozen=True, slots=True)
class DoctorPicture:
    """`deep`: every byte is read. `rebuilding`: how much of the search index is made anew, None if it is not."""

    stage: Stage = "new"
    findings: tuple[Finding, ...] = ()
    deep: bool = False
    rebuilding: float | None = None

    @property
    def verdict(self) -> Verdict:
        return worst(self.findings)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What failed, then what needs attention."""
        failed = tuple(one for one in self.findings if one.verdict == "fail")
        return failed + tuple(one for one in self.findings if one.verdict == "warn")

    @property
    def well(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.verdict == "ok")


def key_of(finding: Finding) -> str:
    """What tells one finding from another."""
    return f"{finding.topic}/{finding.code}/{finding.subject}/{finding.what.en}"
