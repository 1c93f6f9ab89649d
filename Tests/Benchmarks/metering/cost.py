"""What a quota costs that is there and never reached: CPU time of a vCPU for the same work."""

import time

from .guest import Guest
from .ratio import Ratio, alternate
from .table import Table

# Short, so that what disturbs a slice leaves most of them alone; five of the quota's periods.
SLICE_SECONDS = 0.05


def measure(table: Table, blocks: int):
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
