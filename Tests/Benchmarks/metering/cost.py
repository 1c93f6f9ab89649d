"""What metering costs, and a quota that is there and never reached: time for the same work."""

import math
import os
import re
import subprocess
import time

import results

from .guest import ROOT, Guest
from .ratio import Ratio, alternate, interval
from .table import Table

# Short, so that what disturbs a slice leaves most of them alone; five of the quota's periods.
SLICE_SECONDS = 0.05
UNMETERED = ".build-unmetered/release/rowhouse-vmm"
PAIRS = 10
# Half a second of the lab's each.
WORK = {
    "a compute-heavy guest": "--kernel /guests/burn.elf --cmdline 'alone rounds=12'",
    "an exit-heavy guest": "--kernel /guests/portexits.elf --cmdline count=50000",
}
KINDS = {
    "unmetered": "/files/rowhouse-vmm-unmetered",
    "metered": "rowhouse-vmm",
    "metered, with a quota": "rowhouse-vmm --cpu-quota 150%",
    "unmetered again": "/files/rowhouse-vmm-unmetered",
}
# A lab that takes longer, on a busy machine too, stands still.
LAB_SECONDS = 1200


def measure(table: Table, blocks: int):
    quota(table, blocks)
    metering(table)


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
            # The ratio is of CPU time, which says nothing of a vCPU that is kept waiting.
            waited = guest.cpu_word(136)
            table.line(f"{what}: waits for the quota", f"{waited / 1e6:.2f} ms", "none", waited == 0)
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


def metering(table: Table):
    """Two programs, the VMM and one that was built without what meters exits, time and memory: in the lab's virtual time,
    where the host's other work is in neither, and where it matters to none how its code lies in memory.
    """
    subprocess.run(["make", "--no-print-directory", "-C", ROOT, UNMETERED], check=True, stdout=subprocess.DEVNULL)
    said, stood_still = results.in_lab(
        ["sh", "-c", lab_script()], LAB_SECONDS, "--file", f"{os.path.join(ROOT, UNMETERED)}:rowhouse-vmm-unmetered")
    taken = ticks(said)
    table.title(f"Cost of metering and of such a quota in virtual time, {PAIRS} pairs of runs")
    for what in WORK:
        without = taken[what, "unmetered"]
        for which in ("metered", "metered, with a quota"):
            table.bound(f"{what}, {which}", paired(without, taken[what, which]), 1.01, "less than 1 %, all of the interval")
        null = paired(without, taken[what, "unmetered again"])
        table.line(f"{what}, unmetered beside unmetered", str(null), "within 1 %", abs(null.middle - 1) < 0.01)
    if words := results.label(stood_still):
        table.told("labs", words)


def paired(without: list[int], with_it: list[int]) -> Ratio:
    return interval([math.log(one / other) for one, other in zip(with_it, without, strict=True)])


def lab_script() -> str:
    """Runs all kinds of VMM in turns, every other turn in the opposite order, and says what each guest did."""
    lines = ["cd /tmp; run() { echo \"$1: $(shift; \"$@\" < /dev/null)\"; }"]
    for turn in range(PAIRS):
        for what, kernel in WORK.items():
            for which in list(KINDS)[::-1 if turn % 2 else 1]:
                lines.append(f"run '{what}/{which}' {KINDS[which]} --cpus 2 --meter meter {kernel}")
    return "\n".join(lines)


def ticks(said: str) -> dict[tuple[str, str], list[int]]:
    """What each run's work took in ticks of the guest's time stamp counter, in order, by the guest and the kind of VMM."""
    taken: dict[tuple[str, str], list[int]] = {}
    for run in re.split(r"^(?=\S.*/.*: )", said, flags=re.M):
        if found := re.search(r"\A(.+)/(.+?): .* from TSC (\d+) to (\d+)", run, re.S):
            taken.setdefault((found[1], found[2]), []).append(int(found[4]) - int(found[3]))
    if any(len(taken.get((what, which), [])) != PAIRS for what in WORK for which in KINDS):
        raise RuntimeError("not every run in the lab said what it took")
    return taken
