"""The meter beside what the host's kernel and the guests themselves count."""

import contextlib
import os
import tempfile
import time

from .guest import Guest, cable, disk_image, run_time
from .table import Table


def measure(table: Table):
    table.title("Metering")
    with Guest("burn", "--cpus", "2") as guest:
        time.sleep(2)
        compare_times(table, "vCPU run time and schedstat", [guest], with_devices=False)
    guests = [Guest("burn", "--cpu-quota", f"{10 * number + 10}%") for number in range(4)]
    time.sleep(2)
    compare_times(table, "four guests' meters and all their threads", guests, with_devices=True)
    for guest in guests:
        guest.end()

    compare_memory(table, "resident memory and smaps", [20000])
    compare_memory(table, "four guests' resident memory and smaps", [5000, 10000, 15000, 20000])
    compare_disks(table)
    for way, field in (("", "written"), (" read", "read")):
        with disk_image() as disk, Guest("disk", "--disk", disk, words=f"count=5000 bytes=8192 depth=8{way}") as guest:
            guest.wait()
            done = guest.meter()["disks"][0][field]
            metered = f"requests={done['requests']} bytes={done['bytes']}"
            table.line(f"disk requests and bytes {field}", metered, "as the guest counts", metered in guest.said())
    for what, sender, receiver in (
        ("echoes", "count=100 bytes=1000", "answers=100"), ("a stream", "stream count=20000 bytes=1000", "frames=20001"),
    ):
        with tempfile.TemporaryDirectory() as folder, cable(folder, ("", sender), ("", receiver)) as guests:
            for guest in guests:
                guest.wait()
            for end, guest in zip(("sender", "receiver"), guests):
                card, said = guest.meter()["networks"][0], guest.said()
                for way in ("sent", "received"):
                    metered = f"{way}: packets={card[way]['packets']} bytes={card[way]['bytes']}"
                    table.line(f"{what}: {end}'s card", metered, "as the guest counts", metered in said)


def compare_memory(table: Table, what: str, pages: list[int]):
    with contextlib.ExitStack() as street:
        guests = [street.enter_context(Guest("touch", words=f"pages={count}")) for count in pages]
        for guest in guests:
            guest.await_text("touched")
        metered = sum(guest.meter()["memory"]["resident_bytes"] for guest in guests)
        resident = 0
        for guest in guests:
            with open(f"/proc/{guest.process}/smaps") as file:
                resident += sum(int(line.split()[1]) for line in file if line.startswith("Rss:")) * 1024
    apart = abs(metered - resident)
    table.line(what, f"{apart >> 10} of {resident >> 10} KiB apart", "within 1 MiB", apart <= 1 << 20)


def compare_disks(table: Table):
    """Guests that each write a part of a disk that has nothing in it yet: that much of the files lies on the host."""
    with contextlib.ExitStack() as street:
        paths = [street.enter_context(disk_image()) for _ in range(4)]
        guests = [street.enter_context(Guest("disk", "--disk", path, words=f"count={500 * number} bytes=8192 depth=4"))
                  for number, path in enumerate(paths, 1)]
        for guest in guests:
            guest.wait()
        metered = sum(guest.meter()["disks"][0]["written"]["bytes"] for guest in guests)
        # stat(2): blocks of 512 bytes, whatever the file system; some keep a few for themselves.
        held = sum(os.stat(path).st_blocks * 512 for path in paths)
    table.line("four guests' bytes written and their files' blocks", f"{metered} and {held}", "at most 1 % apart",
               metered <= held <= metered * 1.01)


def compare_times(table: Table, what: str, guests: list[Guest], with_devices: bool):
    threads = [path for guest in guests for path in guest.tasks("" if with_devices else "vcpu")]
    before = run_time(threads)
    figures = [guest.meter() for guest in guests]
    after = run_time(threads)
    metered = sum(sum(cpu["run_nanoseconds"] for cpu in each["cpus"]) for each in figures)
    if with_devices:
        metered += sum(each["device_nanoseconds"] for each in figures)
    error = max(0, before - metered, metered - after) / after * 100
    table.line(what, f"{error:.4f} % apart", "within 1 %", error <= 1)
