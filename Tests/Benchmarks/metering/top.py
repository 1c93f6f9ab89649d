"""`rowhouse top` on two terminals, which tmux makes: what it shows of ten guests beside what they are held to."""

import contextlib
import glob
import re
import subprocess
import tempfile
import time

from .guest import Guest, ROWHOUSE, cable, disk_image, run_time
from .table import Table

# What the guests may use: the CPUs' quotas in per cent, and the bytes a second of a disk and of a cable.
QUOTAS = range(1, 8)
DISK_RATE, NETWORK_RATE = 10 << 20, 256 << 10
# In per cent of what is so. Of a share one digit is shown behind the point: that is 5 % of the least, up or down.
SHARE_WITHIN, RATE_WITHIN = 10, 2
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def measure(table: Table, seconds: float):
    table.title("rowhouse top, ten guests, once a second")
    with contextlib.ExitStack() as stack:
        burning = [stack.enter_context(Guest("burn", "--cpu-quota", f"{quota}%")) for quota in QUOTAS]
        disk = stack.enter_context(disk_image())
        writing = stack.enter_context(Guest("disk", "--disk", f"{disk},write-bandwidth={DISK_RATE >> 20}M",
                                            "--cpu-quota", "20%", words="same count=100000000 bytes=16384"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        talking = stack.enter_context(cable(
            folder, sender=(f",tx-bandwidth={NETWORK_RATE >> 10}K", "bytes=1514 stream count=1000000000"),
            receiver=("", ""), options=("--cpu-quota", "40%")))
        for columns, rows in ((80, 24), (200, 50)):
            look(table, columns, rows, seconds, burning, writing, talking)


def look(table: Table, columns: int, rows: int, seconds: float, burning: list, writing: Guest, talking: tuple):
    # A server of its own for each: the one before may still be about to end.
    server, size = f"bench-metering-{columns}", f"{columns}×{rows}"
    tmux(server, "new-session", "-d", "-x", str(columns), "-y", str(rows), f"exec {ROWHOUSE} top --sort name")
    try:
        time.sleep(1.5)
        threads = glob.glob(f"/proc/{tmux(server, 'list-panes', '-F', '#{pane_pid}').strip()}/task/*")
        tasks = [threads] + [guest.tasks("") for guest in burning]
        before, begin = [run_time(each) for each in tasks], time.monotonic_ns()
        time.sleep(seconds)
        used, wall = [run_time(each) for each in tasks], time.monotonic_ns() - begin
        screen = tmux(server, "capture-pane", "-p")
    finally:
        tmux(server, "kill-server")
    share, *shares = ((after - earlier) / wall * 100 for earlier, after in zip(before, used))
    table.line(f"{size}: its own CPU use", f"{share:.2f} %", "less than 2 %", share < 2)
    shown = figures(screen)

    def off(guest: Guest, figure: int, real: float) -> float:
        """What is shown beside what is so, in per cent of that."""
        return abs(shown[guest.name][figure] / real - 1) * 100 if guest.name in shown else 100

    # Those of the I/O threads are in it, which no quota holds.
    error = max(off(guest, 0, real) for guest, real in zip(burning, shares))
    table.line(f"{size}: the CPU time at quotas of 1 to 7 %", f"{error:.1f} % off at most", f"within {SHARE_WITHIN} %",
               error <= SHARE_WITHIN)
    error = off(writing, 1, DISK_RATE)
    table.line(f"{size}: a disk's {DISK_RATE >> 20} MiB/s", f"{error:.1f} % off", f"within {RATE_WITHIN} %",
               error <= RATE_WITHIN)
    error = max(off(guest, 2, NETWORK_RATE) for guest in talking)
    table.line(f"{size}: a cable's {NETWORK_RATE >> 10} KiB/s, both ends", f"{error:.1f} % off at most",
               f"within {RATE_WITHIN} %", error <= RATE_WITHIN)


def figures(screen: str) -> dict[str, tuple[float, float, float]]:
    """What a screen shows of each guest: its CPUs in per cent, and the bytes a second of disks and network cards."""
    found = {}
    spark, size = r"(?: [ ▁▂▃▄▅▆▇█]+)?", r" +([\d.]+) ([KMG]?i?B)"
    line = rf"^(\S+) +running +([\d.]+)%{spark}{size}{spark}{size}{spark}{size}{spark} +\d+%$"
    for name, share, *sizes in re.findall(line, screen, re.MULTILINE):
        _, disk, network = (float(number) * UNITS[unit] for number, unit in zip(sizes[::2], sizes[1::2]))
        found[name] = float(share), disk, network
    return found


def tmux(server: str, *words: str) -> str:
    command = ["tmux", "-L", server, "-f", "/dev/null", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
