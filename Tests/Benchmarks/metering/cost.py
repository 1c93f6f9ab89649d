"""What metering costs, and a quota that is there and never reached: CPU time for the same work."""

import os
import subprocess
import tempfile
import time

from .guest import GUESTS, ROOT, VMM, Guest
from .ratio import Ratio, alternate
from .table import Table

# Short, so that what disturbs a slice leaves most of them alone; five of the quota's periods.
SLICE_SECONDS = 0.05
# Long beside what it takes to start and end a VMM, a few hundredths of a second.
WORK_SECONDS = 0.5
UNMETERED = ".build-unmetered/release/rowhouse-vmm"


def measure(table: Table, blocks: int):
    quota(table, blocks)
    metering(table, blocks // 4)


def quota(table: Table, blocks: int):
    """One guest, whose quota comes and goes."""
    table.title(f"Cost of a quota that is not reached, {blocks} blocks of four slices of {SLICE_SECONDS * 1000:.0f} ms")
    for what, kernel, words in (
        ("a compute-heavy guest", "burn", "alone ports"), ("an exit-heavy guest", "portexits", "count=1000000000000"),
    ):
        # One of two vCPUs works: 150 % are in force, and never reached.
        with Guest(kernel, "--cpus", "2", words=words) as guest:
            time.sleep(1)
            table.bound(what, compare(guest, 150, blocks), 1.01, "less than 1 %, all of the interval")
            # What the method itself finds where there is nothing.
            null = compare(guest, None, blocks)
            table.line(f"{what}, no quota beside none", str(null), "within 1 %", abs(null.middle - 1) < 0.01)


def compare(guest: Guest, quota: float | None, blocks: int) -> Ratio:
    """CPU time for each write to a port, with a quota and without.

    Both are of the meter page: the quota's change has the VMM take a sample of the CPU time, and so has the end of a slice.
    """
    def nanoseconds_each(has_quota: bool) -> float:
        guest.set_quota(quota if has_quota else None)
        guest.sample()
        time_before, work_before = guest.cpu_word(128), guest.port_writes
        time.sleep(SLICE_SECONDS)
        guest.sample()
        return (guest.cpu_word(128) - time_before) / (guest.port_writes - work_before)

    return alternate(nanoseconds_each, blocks)


def metering(table: Table, blocks: int):
    """Two programs: the VMM, with such a quota, and one that was built without what meters exits, time and memory."""
    subprocess.run(["make", "--no-print-directory", "-C", ROOT, UNMETERED], check=True, stdout=subprocess.DEVNULL)
    unmetered = os.path.join(ROOT, UNMETERED)
    table.title(f"Cost of metering and of such a quota, {blocks} blocks of four runs of {WORK_SECONDS} s")
    for what, kernel, words, unit in (
        ("a compute-heavy guest", "burn", "alone rounds=", 10), ("an exit-heavy guest", "portexits", "count=", 10_000),
    ):
        short, long = (cpu_time(VMM, kernel, f"{words}{times * unit}") for times in (1, 10))
        run = f"{words}{round(WORK_SECONDS * 1e9 / (long - short) * 9 * unit)}"
        table.bound(what, alternate(lambda is_metered: cpu_time(VMM, kernel, run, "--cpu-quota", "150%") if is_metered
                                    else cpu_time(unmetered, kernel, run), blocks),
                    1.01, "less than 1 %, all of the interval")
        null = alternate(lambda _: cpu_time(unmetered, kernel, run), blocks)
        table.line(f"{what}, unmetered beside unmetered", str(null), "within 1 %", abs(null.middle - 1) < 0.01)


def cpu_time(program: str, kernel: str, words: str, *options: str) -> float:
    """CPU time in nanoseconds that a VMM and its guest take from start to end (getrusage(2))."""
    with tempfile.NamedTemporaryFile() as meter:
        command = [program, "--kernel", os.path.join(GUESTS, kernel + ".elf"), "--cmdline", words, "--cpus", "2",
                   "--meter", meter.name, *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} ended with wait status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e9
