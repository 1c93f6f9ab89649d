"""How soon a change is seen: from just before it is asked for until a counter of the meter page moves, or moves no more,
or moves faster; of a network card, until the other end of its cable sees that."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

from .guest import Guest, ROWHOUSE, disk_image
from .network import Cable, cable
from .table import Table

MOST_MILLISECONDS = 20
PROMISE = f"at most {MOST_MILLISECONDS} ms"
# How long nothing has to move before and after, in nanoseconds.
STILL = 60_000_000
# What a new rate has to be ahead of the old one to be seen, in requests or frames.
AHEAD = 4
FRAME_BYTES = 1514


def measure(table: Table, times: int):
    table.title(f"Changes, the slowest of {times}")
    # A second's share of 1 % is used in 10 ms: then the guest stands still.
    with Guest("portexits", "--cpu-quota", "1%", "--cpu-period", "1s", words="count=1000000000000") as guest:
        watch(table, "CPU quota", times, lambda: guest.port_writes,
              up=lambda: guest.set_quota(90), down=lambda: guest.set_quota(1))
        watch_command(table, times, guest)
    # One request a second, of so many bytes, and a frame in one and a half at most.
    for limit, text, rate, size in (("write-iops", "1", 1, 512), ("write-bandwidth", "4K", 4096, 4096)):
        with writing(f"{limit}={text}", size, depth=1) as guest:
            watch(table, f"disk: {limit}", times, lambda: guest.disk_word(8, is_write=True),
                  up=lambda: guest.set_disk(limit, None), down=lambda: guest.set_disk(limit, rate))
    for limit, text, rate in (("tx-packets", "1", 1), ("tx-bandwidth", "1K", 1024)):
        with cable("tx", f"{limit}={text}", FRAME_BYTES) as one:
            watch(table, f"network: {limit}", times, lambda: arrived(one),
                  up=lambda: one.guest.set_network(limit, None), down=lambda: one.guest.set_network(limit, rate))
    with writing("write-bandwidth=1M", 16384, depth=8) as guest:
        overtake(table, "disk: write-bandwidth from 1 to 100 MiB/s, 8 requests held", times, 1 << 20, 16384,
                 lambda: guest.disk_word(0, is_write=True),
                 up=lambda: guest.set_disk("write-bandwidth", 100 << 20),
                 down=lambda: guest.set_disk("write-bandwidth", 1 << 20))
    with cable("tx", "tx-bandwidth=1M", FRAME_BYTES) as one:
        overtake(table, "network: tx-bandwidth from 1 to 4 MiB/s", times, 1 << 20, FRAME_BYTES, lambda: arrived(one),
                 up=lambda: one.guest.set_network("tx-bandwidth", 4 << 20),
                 down=lambda: one.guest.set_network("tx-bandwidth", 1 << 20))


@contextlib.contextmanager
def writing(limit: str, size: int, depth: int) -> Iterator[Guest]:
    words = f"count=1000000000 bytes={size} depth={depth}"
    with disk_image() as disk, Guest("disk", "--disk", f"{disk},{limit}", words=words) as guest:
        yield guest


def arrived(one: Cable) -> int:
    """Bytes that have come out of a cable's other end."""
    one.far_end.receive()
    return one.far_end.received_bytes


def watch_command(table: Table, times: int, guest: Guest):
    """The same by the command, from the start of its process on."""
    measured = []
    for _ in range(times):
        await_still(lambda: guest.port_writes)
        before, begin = guest.port_writes, time.monotonic_ns()
        with subprocess.Popen([ROWHOUSE, "set", guest.name, "cpu-quota=90%"], close_fds=False):
            await_change(lambda: guest.port_writes > before, begin)
            measured.append((time.monotonic_ns() - begin) / 1e6)
        guest.set_quota(1)
    judge(table, "CPU quota up, from the exec of `rowhouse set`", measured)


def overtake(table: Table, what: str, times: int, old_rate: int, unit: int, read: Callable[[], int],
             up: Callable[[], None], down: Callable[[], None]):
    """From one rate to a higher one, until more has gone by than the old one had let through."""
    measured = []
    for _ in range(times):
        # What was saved up is spent.
        await_change(lambda: read() < 0, time.monotonic_ns(), seconds=0.5)
        before, begin = read(), time.monotonic_ns()
        up()
        await_change(lambda: read() - before > old_rate * (time.monotonic_ns() - begin) / 1e9 + AHEAD * unit, begin)
        measured.append((time.monotonic_ns() - begin) / 1e6)
        down()
    judge(table, what, measured)


def watch(
    table: Table, what: str, times: int, read: Callable[[], int], up: Callable[[], None], down: Callable[[], None]
):
    raised, lowered = [], []
    for _ in range(times):
        await_still(read)
        before, begin = read(), time.monotonic_ns()
        up()
        await_change(lambda: read() != before, begin)
        raised.append((time.monotonic_ns() - begin) / 1e6)
        time.sleep(0.1)
        begin = time.monotonic_ns()
        down()
        lowered.append((await_still(read) - begin) / 1e6)
    for way, measured in (("up", raised), ("down", lowered)):
        judge(table, f"{what} {way}", measured)


def judge(table: Table, what: str, measured: list[float]):
    table.line(what, f"{max(measured):.2f} ms", PROMISE, max(measured) <= MOST_MILLISECONDS)


def await_change(has_come: Callable[[], bool], begin: int, seconds: float = 1):
    """Looks again and again, until so long after it began."""
    while not has_come() and time.monotonic_ns() - begin < seconds * 1e9:
        pass


def await_still(read: Callable[[], int]) -> int:
    """Waits until a counter does not move, for two seconds at most; the instant at which it moved last."""
    limit = time.monotonic_ns() + 2_000_000_000
    last, moved = read(), time.monotonic_ns()
    while (now := time.monotonic_ns()) - moved < STILL and now < limit:
        if (value := read()) != last:
            last, moved = value, now
    return moved
