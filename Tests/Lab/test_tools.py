"""Checks of the lab's own tools, without starting a lab: `python3 -m unittest discover Tests/Lab`."""

import io
import os
import platform
import struct
import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

HERE = os.path.dirname(os.path.realpath(__file__))
GUEST = os.path.join(HERE, "../../guests/linux")
sys.dont_write_bytecode = True


def load(path: str) -> ModuleType:
    """A program without `.py` in its name, as a module."""
    name = os.path.basename(path).replace("-", "_")
    spec = spec_from_loader(name, SourceFileLoader(name, path))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dmesg_diff = load(os.path.join(HERE, "dmesg-diff"))
lab = load(os.path.join(HERE, "lab"))
extract_vmlinux = load(os.path.join(GUEST, "extract-vmlinux"))
initramfs = sys.modules["initramfs"]  # imported by the lab
tsc = sys.modules["tsc"]


class DmesgDiff(unittest.TestCase):
    THEIRS = "<6>[    0.000000] Linux version 6.1\n<4>[    0.100000] cpu 1: slow at 0xfee00000\n"

    def test_nothing_new_when_only_times_and_numbers_differ(self):
        ours = "<6>[    1.500000] Linux version 6.1\r\n<4>[    2.000000] cpu 3: slow at 0xfed00000\r\n"
        self.assertEqual(dmesg_diff.new_complaints(ours, self.THEIRS), [])

    def test_the_same_oops_is_nothing_new(self):
        ours = "<4>[    0.200000] Code: 0f 0b e9\n<4>[    0.200000] RAX: 0000000000000029\n"
        theirs = "<4>[    0.300000] Code: 66 90\n<4>[    0.300000] RAX: ffffffff8100abcd\n"
        self.assertEqual(dmesg_diff.new_complaints(ours, theirs), [])

    def test_a_level_makes_a_complaint(self):
        ours = "<3>[    0.200000] ACPI: lost\n<12>[    0.300000] user said\n<5>[    0.400000] note\n<3>[0.5] none\n"
        self.assertEqual(dmesg_diff.new_complaints(ours, self.THEIRS), ["ACPI: lost", "user said"])

    def test_words_make_a_complaint_without_levels(self):
        ours = "half a line[    0.200000] [Firmware Bug]: TSC 1\n[    0.300000] [Firmware Bug]: TSC 2\n"
        self.assertEqual(dmesg_diff.new_complaints(ours, self.THEIRS), ["[Firmware Bug]: TSC 1"])

    def test_a_log_without_messages_is_refused(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("the guest said nothing\n")
            file.flush()
            self.assertRaises(ValueError, dmesg_diff.read, file.name)


class Arguments(unittest.TestCase):
    def test_the_command_is_what_follows_the_first_dashes(self):
        options = lab.parse(["--cpus", "4", "--", "printf", "--", "--icount"])
        self.assertEqual((options.cpus, options.icount), (4, False))
        self.assertEqual(options.command, ["printf", "--", "--icount"])

    def test_where_files_land(self):
        self.assertEqual(lab.destination("some/disk.raw"), ("some/disk.raw", "files/disk.raw"))
        self.assertEqual(lab.destination("some/folder/:kept"), ("some/folder/", "files/kept"))
        self.assertEqual(lab.destination("tool:/usr/local/bin/tool"), ("tool", "usr/local/bin/tool"))


class Archive(unittest.TestCase):
    def test_cpio_unpacks_it(self):
        output = io.BytesIO()
        archive = initramfs.Archive(output)
        archive.file("a/b/odd name", b"12345", 0o755)
        archive.file("a/b/empty", b"")
        archive.link("a/link", "b/empty")
        archive.close()
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cpio", "-i", "--quiet"], input=output.getvalue(), cwd=folder, check=True)
            with open(os.path.join(folder, "a/b/odd name"), "rb") as file:
                self.assertEqual(file.read(), b"12345")
            self.assertTrue(os.access(os.path.join(folder, "a/b/odd name"), os.X_OK))
            self.assertEqual(os.path.getsize(os.path.join(folder, "a/b/empty")), 0)
            self.assertEqual(os.readlink(os.path.join(folder, "a/link")), "b/empty")

    def test_drivers_follow_what_they_need(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, needs in (("top", "mid-dle,built_in"), ("mid-dle", "base"), ("base", "")):
                with open(os.path.join(folder, f"{name}.ko"), "wb") as file:
                    file.write(b"\x7fELF\0depends=%s\0alias=pci:%s\0" % (needs.encode(), name.encode()))
            with open(os.path.join(folder, "modules.builtin"), "w") as file:
                file.write("kernel/lib/built-in.ko\n")
            modules = initramfs.Modules(folder)
            self.assertEqual(modules.closure(["top", "built_in"]), ["base", "mid_dle", "top"])
            self.assertEqual(modules.information("top", "alias"), ["pci:top"])
            self.assertRaises(ValueError, modules.closure, ["absent"])


class ExtractVmlinux(unittest.TestCase):
    ELF = b"\x7fELF" + bytes(range(256)) * 16

    def image(self, payload: bytes, offset: int = 64) -> bytes:
        """A bzImage of one setup sector with a payload."""
        image = bytearray(1024 + offset) + payload
        image[0x1F1] = 1
        image[0x202:0x208] = b"HdrS" + struct.pack("<H", 0x020F)
        struct.pack_into("<II", image, 0x248, offset, len(payload))
        return bytes(image)

    def test_every_compression(self):
        size = struct.pack("<I", len(self.ELF))
        for command, end in (("gzip", b""), ("xz", size), ("zstd", size), ("lz4 -l", size)):
            with self.subTest(command):
                pack = subprocess.run([*command.split(), "-c"], input=self.ELF, stdout=subprocess.PIPE, check=True)
                packed = pack.stdout + end
                self.assertEqual(extract_vmlinux.decompress(extract_vmlinux.payload(self.image(packed))), self.ELF)

    def test_broken_images_are_refused(self):
        whole = self.image(bytes(4096))
        for name, image in (("empty", b""), ("no header", bytes(4096)), ("cut", whole[:-1])):
            with self.subTest(name):
                self.assertRaises(ValueError, extract_vmlinux.payload, image)
        packed = subprocess.run(["xz", "-c"], input=self.ELF, stdout=subprocess.PIPE, check=True).stdout
        self.assertRaises(ValueError, extract_vmlinux.decompress, packed + struct.pack("<I", len(self.ELF) + 1))
        self.assertRaises(ValueError, extract_vmlinux.decompress, b"neither of them")


@unittest.skipUnless(platform.machine() == "x86_64", "other processors have no such counter")
class TimeStampCounter(unittest.TestCase):
    def test_two_measurements_agree(self):
        first, second = tsc.khz(), tsc.khz()
        self.assertAlmostEqual(first / second, 1, delta=0.001)


if __name__ == "__main__":
    unittest.main()
