"""The file manager opens files with DeskSeek while it is open: they come to the window that is there, which comes
forward; nothing else starts."""

import os
from pathlib import Path

from tests.end2end.person import CLEAN, HERE, Ending, Home


def test_files_of_a_second_start_come_to_the_open_window(home: Home, small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "新建 文件夹"
    folder.mkdir()
    chinese, plain, later = folder / "会议 记录 (1).md", tmp_path / "notes of may.txt", tmp_path / "later.txt"
    chinese.write_text("# 会议\n\n苹果树于 1961 年种下。\n", encoding="utf-8")
    plain.write_text("The apple trees were planted in 1961.\n", encoding="utf-8")
    later.write_text("The pears were planted in 1972.\n", encoding="utf-8")
    home.has(small)
    with home.start() as window:
        window.sees("Ask anything", "My own")
        window.presses("Documents")
        window.sees("Documents")
        window.minimizes()
        second = home.start_again(chinese, Path(os.path.relpath(plain, HERE)))
        assert second == Ending(0, [], [], [])
        window.is_in_front()
        window.sees("会议 记录 (1)", "notes of may")
        assert home.start_again(later).code == 0  # and once more, without a click in between
        window.sees("later")
        window.presses("Chat")
        window.clicks_into("Your question")
        window.asks("Is all well?")
        window.sees("All is well.", "tokens/s")
        assert window.is_closed() == CLEAN
