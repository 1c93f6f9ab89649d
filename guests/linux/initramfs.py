#!/usr/bin/env python3
"""initramfs.py --init FILE [--busybox FILE] [--modules FOLDER --driver NAME… --spare-driver NAME…]: writes an initramfs
to standard output.

Holds busybox, where it is given, under all its names, the program `init`, and the named drivers of a kernel with what they
depend on. A spare one is there for who asks for it by name; no hardware has it loaded. Made without root's rights
(device files come from the kernel's devtmpfs), and from the same input always the same. The two classes serve the lab as
well, which builds its own initramfs from them.
"""

import argparse
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import BinaryIO


class Archive:
    """A cpio archive in the `newc` format, the one that kernels unpack (Documentation/driver-api/early-userspace).

    Several archives may follow each other in one initramfs: the kernel unpacks them in turn.
    """

    def __init__(self, output: BinaryIO):
        self.output = output
        self.inode = 0
        self.folders: set[str] = set()

    def folder(self, path: str) -> None:
        """Adds a folder and those above it that are not in this archive yet; a path has no slash in front."""
        if path and path not in self.folders:
            self.folder(os.path.dirname(path))
            self.folders.add(path)
            self._entry(path, 0o040755, b"")

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self.folder(os.path.dirname(path))
        self._entry(path, 0o100000 | mode, content)

    def copy(self, path: str, source: str) -> None:
        """Adds a file of this machine, executable where it is executable here."""
        with open(source, "rb") as file:
            self.file(path, file.read(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def link(self, path: str, target: str) -> None:
        self.folder(os.path.dirname(path))
        self._entry(path, 0o120777, os.fsencode(target))

    def busybox(self, binary: str) -> None:
        """Adds busybox and a symbolic link for each of its applets."""
        self.copy("bin/busybox", binary)
        listing = subprocess.run([binary, "--list-full"], stdout=subprocess.PIPE, check=True, text=True).stdout
        for name in sorted(listing.split()):
            if name != "bin/busybox":
                self.link(name, "/bin/busybox")

    def drivers(self, modules: "Modules", names: list[str], spares: Iterable[str] = ()) -> None:
        """Adds drivers uncompressed, with the tables that `modprobe` finds them by; spare ones by their names only."""
        base = f"lib/modules/{modules.release}"
        dependencies, aliases = [], []
        wanted = modules.closure(names)
        for name in modules.closure([*names, *spares]):
            path = f"kernel/{name}.ko"
            self.file(f"{base}/{path}", modules.content(name))
            # busybox looks at this line only, and loads from its end: so all that is needed, the deepest last.
            *needed, _ = modules.closure([name])
            dependencies.append(" ".join([f"{path}:"] + [f"kernel/{other}.ko" for other in reversed(needed)]))
            if name in wanted:
                aliases += [f"alias {alias} {name}" for alias in modules.information(name, "alias")]
        self.file(f"{base}/modules.dep", "".join(line + "\n" for line in dependencies).encode())
        self.file(f"{base}/modules.alias", "".join(line + "\n" for line in aliases).encode())

    def close(self) -> None:
        self._entry("TRAILER!!!", 0, b"")

    def _entry(self, path: str, mode: int, content: bytes) -> None:
        """One header (thirteen numbers in hexadecimal), name and content, each padded to four bytes.

        Owner, group, time and device are zero: root owns all, and nothing tells when or where this was made.
        """
        if mode:
            self.inode += 1
        name = os.fsencode(path) + b"\0"
        fields = [self.inode if mode else 0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + name, content):
            self.output.write(part)
            self.output.write(bytes(-len(part) % 4))


class Modules:
    """The loadable modules of one kernel: `/lib/modules/RELEASE` of an unpacked package."""

    def __init__(self, folder: str):
        self.release = os.path.basename(os.path.normpath(folder))
        self.files = {}
        for parent, _, names in os.walk(folder):
            for name in names:
                if match := re.fullmatch(r"(.+)\.ko(?:\.xz)?", name):
                    self.files[self._key(match[1])] = os.path.join(parent, name)
        with open(os.path.join(folder, "modules.builtin")) as file:
            self.builtin = {self._key(os.path.basename(line.strip()).removesuffix(".ko")) for line in file}
        self.contents: dict[str, bytes] = {}

    @staticmethod
    def _key(name: str) -> str:
        """A module's one name: file names and tables write it with dashes or underscores as they please."""
        return name.replace("-", "_")

    def content(self, name: str) -> bytes:
        if name not in self.contents:
            path = self.files[name]
            with lzma.open(path) if path.endswith(".xz") else open(path, "rb") as file:
                self.contents[name] = file.read()
        return self.contents[name]

    def information(self, name: str, key: str) -> list[str]:
        """The values a module notes about itself under a key, in its `.modinfo` strings."""
        return [value.decode() for value in re.findall(rb"\0%s=([^\0]*)" % key.encode(), self.content(name))]

    def dependencies(self, name: str) -> list[str]:
        """The modules that must be there before this one, in no particular order."""
        listed = ",".join(self.information(name, "depends")).split(",")
        return [self._key(other) for other in listed if other and self._key(other) not in self.builtin]

    def closure(self, names: Iterable[str]) -> list[str]:
        """These modules and all that they need, each behind what it needs; without those built into the kernel."""
        order: list[str] = []

        def visit(name: str) -> None:
            if name not in order and name not in self.builtin:
                if name not in self.files:
                    raise ValueError(f"kernel {self.release} has no module {name}")
                for other in self.dependencies(name):
                    visit(other)
                order.append(name)

        for name in names:
            visit(self._key(name))
        return order


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes an initramfs to standard output.")
    parser.add_argument("--busybox", help="a static busybox")
    parser.add_argument("--init", required=True, help="the program that becomes /init")
    parser.add_argument("--modules", help="the kernel's /lib/modules/RELEASE")
    parser.add_argument("--driver", action="append", default=[], help="a module to take along, with its dependencies")
    parser.add_argument("--spare-driver", action="append", default=[], help="the same, to be loaded by its name only")
    options = parser.parse_args()

    archive = Archive(sys.stdout.buffer)
    # The kernel mounts nothing before /init runs: it finds its mount points here.
    for folder in ("dev", "proc", "sys", "run", "tmp", "root"):
        archive.folder(folder)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    if options.busybox:
        archive.busybox(options.busybox)
    archive.copy("init", options.init)
    try:
        if options.modules:
            archive.drivers(Modules(options.modules), options.driver, options.spare_driver)
    except ValueError as error:
        sys.exit(f"initramfs.py: {error}")
    archive.close()


if __name__ == "__main__":
    main()
