"""How soon a change is seen: from just before it is asked for until a counter of the meter page moves, or moves no more."""

import time
from collections.abc import Callable

from .guest import Guest, disk_image
from .table import Table

MOST_MILLISECONDS = 20
# How long nothing has to move before and after, in nanoseconds.
STILL = 60_000_000


def measure(table: Table, times: int):
    table.title(f"Changes, the slowest of {times}")
    # A second's share of 1 % is used in 10 ms: then the guest stands still.
    with Guest("portexits", "--cpu-quota", "1%", "--cpu-period", "1s", words="count=1000000000000") as guest:
        watch(table, "CPU quota", times, lambda: guest.port_writes,
              up=lambda: guest.set_quota(90), down=lambda: guest.set_quota(1))
    words = "count=1000000000 bytes=512 depth=1"
    with disk_image() as disk, Guest("disk", "--disk", f"{disk},write-iops=1", words=words) as guest:
        watch(table, "disk limit", times, lambda: guest.disk_word(8, is_write=True),
              up=lambda: guest.set_disk("write-iops", None), down=lambda: guest.set_disk("write-iops", 1))


def watch(
    table: Table, what: str, times: int, read: Callable[[], int], up: Callable[[], None], down: Callable[[], None]
):
    raised, lowered = [], []
    for _ in range(times):
        await_still(read)
        before, begin = read(), time.monotonic_ns()
        up()
        while read() == before and time.monotonic_ns() - begin < 1_000_000_000:
            pass
        raised.append((time.monotonic_ns() - begin) / 1e6)
        time.sleep(0.1)
        begin = time.monotonic_ns()
        down()
        lowered.append((await_still(read) - begin) / 1e6)
    promise = f"at most {MOST_MILLISECONDS} ms"
    for way, measured in (("up", raised), ("down", lowered)):
        table.line(f"{what} {way}", f"{max(measured):.2f} ms", promise, max(measured) <= MOST_MILLISECONDS)


def await_still(read: Callable[[], int]) -> int:
    """Waits until a counter does not move, for two seconds at most; the instant at which it moved last."""
    limit = time.monotonic_ns() + 2_000_000_000
    last, moved = read(), time.monotonic_ns()
    while (now := time.monotonic_ns()) - moved < STILL and now < limit:
        if (value := read()) != last:
            last, moved = value, now
    return moved
