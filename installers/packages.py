"""pip, called in the project's environment with the user's own settings: indexes, mirrors, proxy, certificates.

Nothing here names an index of packages. pip's words go to stderr and, all of them, to `.venv/.deskseek/pip.log`.
"""

import ast
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from backends.core.errors import DownloadError, ResourceError
from backends.core.phrase import Phrase
from installers.exclusive import kept
from installers.project import Project

PATIENCE = 8.0
"""Seconds that an unreachable server may cost."""

LAST_WORDS = 8
"""Lines of a failed pip that are worth showing."""

_AIR = 200 << 20
_FOREIGN = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT", "PYTHONHOME", "PYTHONPATH")
_DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What the user told pip, as far as a plain request needs it."""

    index: str = ""
    proxy: str = ""
    certificates: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: `text` when it was a page, empty when it was a refusal."""

    status: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pip:
    project: Project
    guard: int
    """The file descriptor of the set-up's lock, which pip keeps open (see `exclusive`)."""

    def run(self, *arguments: str, extra: dict[str, str] | None = None) -> bool:
        """Whether pip succeeded. `extra` are environment variables, e.g. for a build.

        On a terminal pip shows its progress; elsewhere it is silent, and when it fails its last words are shown.
        """
        terminal = sys.stderr is not None and sys.stderr.isatty()
        look = [] if terminal else ["--quiet", "--progress-bar", "off"]
        command = [str(self.project.python), "-I", "-m", "pip", arguments[0], *look, *arguments[1:]]
        options = ["--no-input", "--disable-pip-version-check", "--log", str(self.project.log)]
        finished = subprocess.run(
            [*command, *options],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if terminal else subprocess.PIPE,
            stderr=sys.stderr if terminal else subprocess.STDOUT,
            env={**_environment(), **(extra or {})},
            pass_fds=kept(self.guard),
            encoding="utf-8",
            errors="replace",
        )
        if finished.returncode and finished.stdout and sys.stderr is not None:
            sys.stderr.write("".join(finished.stdout.splitlines(keepends=True)[-LAST_WORDS:]))
        return finished.returncode == 0

    def require(self, *arguments: str) -> None:
        """Run pip; BackendError with the likeliest reason if it fails."""
        if not self.run(*arguments):
            raise self.why_failed()

    def settings(self) -> PipSettings:
        """`pip config list` prints `section.name='value'`; the environment's section comes last and wins."""
        found: dict[str, str] = {}
        for line in self._ask("-m", "pip", "config", "list").splitlines():
            name, separator, value = line.partition("=")
            if separator:
                found[name.rpartition(".")[2]] = _unquoted(value)
        return PipSettings(found.get("index-url", ""), found.get("proxy", ""), found.get("cert", ""))

    def why_failed(self) -> DownloadError | ResourceError:
        free = min(shutil.disk_usage(folder).free for folder in (self.project.root, tempfile.gettempdir()))
        if free < _AIR:
            return ResourceError(
                Phrase("The packages do not fit on the disk.", "磁盘空间不足，无法安装软件包。"),
                Phrase("Free some space and run this again.", "请清理磁盘空间后重新运行。"),
                code="no_disk_space",
            )
        settings = self.settings()
        index = settings.index or self._ask("-c", _DEFAULT_INDEX).strip()
        if index.startswith("http") and fetch(index, settings) is None:
            host = urlsplit(index).hostname
            return DownloadError(
                Phrase(f"{host} cannot be reached, so nothing was installed.", f"无法连接 {host}，未安装任何内容。"),
                Phrase(
                    "Connect, or set pip's proxy or mirror, and run this again; what was fetched is kept.",
                    "请连接网络或设置 pip 的代理、镜像后重新运行，已下载的内容会保留。",
                ),
                code="no_network",
            )
        return DownloadError(
            Phrase("pip could not install the packages.", "pip 无法安装软件包。"),
            Phrase(f"Its words are in {self.project.log}.", f"详细信息见 {self.project.log}。"),
            code="packages_not_installed",
        )

    def _ask(self, *arguments: str) -> str:
        command = [str(self.project.python), "-I", *arguments]
        asked = subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL, env=_environment()
        )
        return asked.stdout


def fetch(url: str, settings: PipSettings, patience: float = PATIENCE) -> Answer | None:
    """The page at `url`, at most 4 MiB of it, through the user's proxy; None when nobody answers in time."""
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
    try:
        context = ssl.create_default_context(cafile=settings.certificates or None)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(url, timeout=patience) as response:
            return Answer(response.status, response.read(4 << 20).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code)
    except OSError:
        return None


def _environment() -> dict[str, str]:
    """The user's, without what would send packages elsewhere than into the project's environment."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**kept, "PIP_USER": "0"}


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value
