"""Limits of disks and network cards: how exactly their rates are kept after the burst."""

import time
from collections.abc import Callable

from . import network
from .guest import Guest, disk_image
from .table import Table


def measure(table: Table, seconds: float):
    table.title(f"Rate limits over {seconds:.0f} s")
    for limit, figure, rate, size in disk_cases():
        way = "read" if limit.startswith("read") else "written"
        words = f"same count=100000000 bytes={size}{' read' if way == 'read' else ''}"
        with disk_image() as disk, Guest("disk", "--disk", f"{disk},{limit}", words=words) as guest:
            hold(table, f"disk: {limit}", rate, seconds, lambda: guest.meter()["disks"][0][way][figure])
    # A limit of both ways together, with every other request a read: the sum counts.
    for limit, figure, rate, size in (("bandwidth=10M", "bytes", 10 << 20, 16384), ("iops=1000", "requests", 1000, 512)):
        with disk_image() as disk, Guest("disk", "--disk", f"{disk},{limit}",
                                         words=f"same mixed count=100000000 bytes={size}") as guest:
            hold(table, f"disk: {limit}, reads and writes", rate, seconds, lambda: both_ways(guest, figure))
    network.measure(table, seconds)


def both_ways(guest: Guest, figure: str) -> int:
    disk = guest.meter()["disks"][0]
    return disk["read"][figure] + disk["written"][figure]


def disk_cases() -> list[tuple[str, str, int, int]]:
    """The limit, what it is of, its rate, and the bytes of each request."""
    cases = []
    for name in ("write-bandwidth", "read-bandwidth", "bandwidth"):
        cases += [(f"{name}={rate}M", "bytes", rate << 20, 131072 if rate == 100 else 16384) for rate in (1, 10, 100)]
    for name in ("write-iops", "read-iops", "iops"):
        cases += [(f"{name}={rate}", "requests", rate, 512) for rate in (100, 1000, 10000)]
    cases += [(f"write-iops={rate},write-iops-burst=1", "requests", rate, 512) for rate in (100, 1000, 10000)]
    return cases + [("write-bandwidth=10M,write-bandwidth-burst=4K", "bytes", 10 << 20, 4096)]


def hold(table: Table, what: str, rate: int, seconds: float, read: Callable[[], int]):
    # The burst, a tenth of a second's worth, is over.
    time.sleep(1.5)
    before, begin = read(), time.monotonic_ns()
    time.sleep(seconds)
    done, wall = read() - before, (time.monotonic_ns() - begin) / 1e9
    error = (done / wall / rate - 1) * 100
    table.line(what, f"{done / wall:.0f}/s ({error:+.2f} %)", "within 2 %", abs(error) <= 2)
