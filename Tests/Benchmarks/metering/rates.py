"""Limits of disks and network cards: how exactly their rates are kept after the burst."""

import contextlib
import tempfile
import time
from collections.abc import Callable

from .guest import Guest, cable, disk_image
from .table import UNSHOWN, Table


def measure(table: Table, seconds: float):
    table.title(f"Rate limits over {seconds:.0f} s")
    for limit, figure, rate, size in disk_cases():
        way = "read" if limit.startswith("read") else "written"
        words = f"same count=100000000 bytes={size}{' read' if way == 'read' else ''}"
        with disk_image() as disk, Guest("disk", "--disk", f"{disk},{limit}", words=words) as guest:
            hold(table, f"disk: {limit}", rate, seconds, lambda: guest.meter()["disks"][0][way][figure])
    most = {size: unlimited_packets(size) for size in (200, 1514)}
    for limit, figure, rate, size in network_cases():
        reachable = most[size] * (size if figure == "bytes" else 1)
        if reachable < 1.1 * rate:
            table.judged(f"network: {limit}", f"{reachable:.0f}/s without a limit", "within 2 %", UNSHOWN)
            continue
        with streaming(limit, size) as card:
            hold(table, f"network: {limit}", rate, seconds, lambda: card()[figure])


@contextlib.contextmanager
def streaming(limit: str, size: int):
    """Two guests of which one sends frames of a size as fast as they go; gives the meter of the card that has the limit."""
    sends = not limit.startswith("rx")
    with tempfile.TemporaryDirectory() as folder, cable(
        folder, (f",{limit}" if sends and limit else "", f"stream count=100000000 bytes={size}"),
        ("" if sends else f",{limit}", ""),
    ) as (sender, receiver):
        guest, way = (sender, "sent") if sends else (receiver, "received")
        yield lambda: guest.meter()["networks"][0][way]


def unlimited_packets(size: int) -> float:
    """Packets a second of two guests whose cards have no limit: what a limit above it does cannot be seen."""
    with streaming("", size) as card:
        time.sleep(0.5)
        before, begin = card()["packets"], time.monotonic()
        time.sleep(2)
        return (card()["packets"] - before) / (time.monotonic() - begin)


def disk_cases() -> list[tuple[str, str, int, int]]:
    """The limit, what it is of, its rate, and the bytes of each request."""
    cases = []
    for name in ("write-bandwidth", "read-bandwidth", "bandwidth"):
        cases += [(f"{name}={rate}M", "bytes", rate << 20, 131072 if rate == 100 else 16384) for rate in (1, 10, 100)]
    for name in ("write-iops", "read-iops", "iops"):
        cases += [(f"{name}={rate}", "requests", rate, 512) for rate in (100, 1000, 10000)]
    cases += [(f"write-iops={rate},write-iops-burst=1", "requests", rate, 512) for rate in (100, 1000, 10000)]
    return cases + [("write-bandwidth=10M,write-bandwidth-burst=4K", "bytes", 10 << 20, 4096)]


def network_cases() -> list[tuple[str, str, int, int]]:
    cases = []
    for way in ("tx", "rx"):
        cases += [(f"{way}-bandwidth={rate}M", "bytes", rate << 20, 1514) for rate in (1, 10)]
        cases += [(f"{way}-packets={rate}", "packets", rate, 200) for rate in (100, 1000, 10000)]
        cases += [(f"{way}-packets=1000,{way}-packets-burst=1", "packets", 1000, 200)]
    return cases


def hold(table: Table, what: str, rate: int, seconds: float, read: Callable[[], int]):
    # The burst, a tenth of a second's worth, is over.
    time.sleep(1.5)
    before, begin = read(), time.monotonic_ns()
    time.sleep(seconds)
    done, wall = read() - before, (time.monotonic_ns() - begin) / 1e9
    error = (done / wall / rate - 1) * 100
    table.line(what, f"{done / wall:.0f}/s ({error:+.2f} %)", "within 2 %", abs(error) <= 2)
