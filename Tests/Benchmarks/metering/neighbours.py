"""Fairness: two guests on one CPU, and a disk beside a throttled neighbour."""

import time

from .guest import Guest, disk_image, run_time
from .ratio import alternate
from .table import Table


def measure(table: Table, seconds: float, blocks: int):
    table.title("Fairness")
    with Guest("burn", "--cpu-quota", "30%", "--cpu-pin", "0") as one, Guest("burn", "--cpu-quota", "60%", "--cpu-pin", "0") as other:
        time.sleep(0.5)
        threads = [guest.tasks() for guest in (one, other)]
        before = [run_time(each) for each in threads]
        time.sleep(seconds)
        used = [run_time(each) - earlier for each, earlier in zip(threads, before)]
        ratio = used[1] / used[0]
        table.line("60 % and 30 % on one CPU", f"1 : {ratio:.3f}", "1 : 2 within 3 %", abs(ratio / 2 - 1) <= 0.03)
    for kind in ("read", "written"):
        disk_latency(table, kind, blocks)


def disk_latency(table: Table, kind: str, blocks: int):
    """The mean latency of a disk's requests, beside a guest on the same CPU that has a quota and always uses it."""
    is_write = kind == "written"
    words = f"count=1000000000 bytes=4096 depth=1{'' if is_write else ' read'}"
    with disk_image() as disk, Guest("disk", "--disk", disk, "--cpu-pin", "0", words=words) as guest, \
            Guest("burn", "--cpu-quota", "20%", "--cpu-pin", "0") as neighbour:
        def latency(has_neighbour: bool) -> float:
            neighbour.resume() if has_neighbour else neighbour.pause()
            time.sleep(0.02)
            before = [guest.disk_word(offset, is_write) for offset in (32, 8)]
            time.sleep(0.25)
            total, requests = (guest.disk_word(offset, is_write) - earlier for offset, earlier in zip((32, 8), before))
            return total / requests

        latency(False)
        ratio = alternate(latency, blocks)
    table.bound(f"a disk's latency ({kind}) beside a throttled guest", ratio, 1.05, "within 5 %, all of the interval")
