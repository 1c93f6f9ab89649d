"""The meter beside what the host's kernel and the guests themselves count."""

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

    with Guest("touch", words="pages=20000") as guest:
        guest.await_text("touched")
        metered = guest.meter()["memory"]["resident_bytes"]
        with open(f"/proc/{guest.process}/smaps") as file:
            resident = sum(int(line.split()[1]) for line in file if line.startswith("Rss:")) * 1024
        apart = abs(metered - resident)
        table.line("resident memory and smaps", f"{apart >> 10} KiB apart", "within 1 MiB", apart <= 1 << 20)

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
