"""Readers: the text of files, with where in the file each piece lies.

`reader.py` is the parent's side and all that others need; the rest runs in a child process with limits (`child.py`),
since files come from anywhere. A format has one module with one function:

    def read(path: Path, asked: Asked) -> Iterator[ReadEvent]: ...

It is pure, says what it finds in the order of the file, and raises what `refusals.py` makes. It need not clean or cut
what it finds, count characters or say `Closed` (`sections.py` does, for all).
"""
