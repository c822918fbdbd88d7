"""What `tests.bench soak` does for long, for some seconds: files of every format torn, and intakes killed."""

from pathlib import Path

from tests.kit.killed_intakes import kill_intakes
from tests.kit.torn_documents import CODES, read_torn


def test_torn_files_of_every_format_are_read_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "torn"
    folder.mkdir()
    found = read_torn(folder, 500)
    assert set(found) <= {"", *CODES}
    assert 100 < found[""] < 450  # some damage shows, some does not


def test_intakes_that_are_killed_again_and_again_lose_nothing(tmp_path: Path) -> None:
    kill_intakes(tmp_path, 5)
