"""Files that are there whole or not at all."""

import contextlib
import os


def write(files: dict[str, bytes | str]) -> None:
    """Writes files, by their paths, that get their names when all are written: who is interrupted leaves no half of one."""
    try:
        for path, content in files.items():
            with open(path + ".new", "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
        for path in files:
            os.replace(path + ".new", path)
    finally:
        for path in files:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path + ".new")
