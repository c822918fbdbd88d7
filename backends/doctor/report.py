"""What was found as a file to hand on: sentences for people, then the same as JSON for programs.

It is to help somebody else, so it holds nothing that is the user's own: no key, no text, no name of the user, of the
computer or of files of their own, no path but those of the program's folders, by their names.
"""

import json
import platform
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from backends import __version__
from backends.core.log import redact
from backends.core.paths import Paths
from backends.core.phrase import NOTHING, Language
from backends.doctor.types import Finding
from backends.doctor.words import TITLES, VERDICTS, arranged, place, worst


@dataclass(frozen=True, slots=True)
class Veil:
    """Takes out what is the user's own. `folders`: the program's, by the names that they are given."""

    folders: Mapping[str, Path]
    home: Path | None
    names: tuple[str, ...] = field(default_factory=tuple)  # of the user and the computer

    @classmethod
    def of(cls, paths: Paths, models: Path) -> "Veil":
        folders = {
            "models": models,
            "data": paths.data,
            "config": paths.config,
            "state": paths.state,
            "cache": paths.cache,
            "program": Path(__file__).resolve().parents[2],
            "python": Path(sys.prefix),
        }
        return cls(folders, paths.home, tuple(filter(None, (_user(), socket.gethostname()))))

    def over(self, text: str, finding: Finding) -> str:
        """`text` of this finding as the report has it."""
        if finding.private:
            target, subject = finding.target, finding.subject
            for own in (target, target and place(Path(target), self.home), subject):
                text = text.replace(own, "…") if own else text
        for name, folder in self._spelled():
            text = text.replace(folder, f"<{name}>")
        for name in self.names:
            text = re.sub(rf"(?<![\w]){re.escape(name)}(?![\w])", "…", text) if len(name) > 3 else text
        return redact(text)

    def _spelled(self) -> list[tuple[str, str]]:
        """The longest first, so that a folder inside another one keeps its own name; the home folder last."""
        spelled: set[tuple[str, str]] = set()
        for name, folder in (*self.folders.items(), *([("home", self.home)] if self.home else [])):
            forms = {folder, folder.resolve()}
            if self.home is not None and folder != self.home and folder.is_relative_to(self.home):
                forms.add(Path("~") / folder.relative_to(self.home))
            spelled |= {(name, str(form)) for form in forms if len(str(form)) > 1}
        return sorted(spelled, key=lambda one: -len(one[1]))


def as_data(finding: Finding, veil: Veil | None = None) -> dict[str, object]:
    """For scripts; `veil`: for a report."""

    def shown(text: str) -> str:
        return veil.over(text, finding) if veil else text

    hidden = veil is not None and finding.private
    details = {key: shown(value) if isinstance(value, str) else value for key, value in finding.details.items()}
    return {
        "topic": finding.topic,
        "code": finding.code,
        "verdict": finding.verdict,
        "subject": "" if hidden else shown(finding.subject),
        "what": {"en": shown(finding.what.en), "zh": shown(finding.what.zh)},
        "repair": {"en": shown(finding.repair.en), "zh": shown(finding.repair.zh)},
        "action": finding.action,
        "details": details,
    }


def report(findings: Sequence[Finding], veil: Veil, language: Language, *, now: datetime | None = None) -> str:
    """The file: sentences in this language, then everything as one JSON object."""
    findings = arranged(findings)
    about = _about(now or datetime.now(UTC))
    lines = [f"DeskSeek doctor  {about['time']}", ""]
    lines += [f"{name}: {value}" for name, value in about.items() if name != "time"]
    topic = ""
    for one in findings:
        if one.topic != topic:
            topic = one.topic
            lines += ["", TITLES[one.topic].to(language)]
        lines.append(f"  [{VERDICTS[one.verdict].to(language)}] {veil.over(one.what.to(language), one)}")
        if one.repair != NOTHING:
            lines.append(f"      {veil.over(one.repair.to(language), one)}")
    whole = {**about, "verdict": worst(findings), "findings": [as_data(one, veil) for one in findings]}
    return "\n".join([*lines, "", json.dumps(whole, ensure_ascii=False, indent=1), ""])


def _about(now: datetime) -> dict[str, str]:
    return {
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deskseek": __version__,
        "llama-cpp-python": _version("llama-cpp-python"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # nobody with this number
        return ""
