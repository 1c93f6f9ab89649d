"""Fairness: two guests on one CPU, and a disk beside a throttled neighbour."""

import os
import signal
import subprocess
import sys
import time

from .guest import Guest, disk_image, run_time
from .ratio import alternate
from .table import Table

# What the neighbour of a disk may use of a CPU.
SHARE = 0.2


def measure(table: Table, seconds: float, blocks: int):
    table.title("Fairness")
    with Guest("burn", "--cpu-quota", "30%", "--cpu-pin", "0") as one, \
            Guest("burn", "--cpu-quota", "60%", "--cpu-pin", "0") as other:
        time.sleep(0.5)
        threads = [guest.tasks() for guest in (one, other)]
        before = [run_time(each) for each in threads]
        time.sleep(seconds)
        used = [run_time(each) - earlier for each, earlier in zip(threads, before)]
        ratio = used[1] / used[0]
        table.line("60 % and 30 % on one CPU", f"1 : {ratio:.3f}", "1 : 2 within 3 %", abs(ratio / 2 - 1) <= 0.03)
    for kind in ("read", "written"):
        disk_latency(table, kind, blocks, is_pinned=False)
        disk_latency(table, kind, blocks, is_pinned=True)


def disk_latency(table: Table, kind: str, blocks: int, is_pinned: bool):
    """The mean latency of a disk's requests beside a guest that has a quota and always uses it: both where the host puts
    them, or their vCPUs on one CPU. Beside a process that uses as much, too: what the host's scheduler does to everybody.
    """
    is_write = kind == "written"
    words = f"count=1000000000 bytes=4096 depth=1{'' if is_write else ' read'}"
    pin = ["--cpu-pin", "0"] if is_pinned else []
    with disk_image() as disk, Guest("disk", "--disk", disk, *pin, words=words) as guest:
        time.sleep(1)

        def latency() -> float:
            time.sleep(0.02)
            before = [guest.disk_word(offset, is_write) for offset in (32, 8)]
            time.sleep(0.05)
            total, requests = (guest.disk_word(offset, is_write) - earlier for offset, earlier in zip((32, 8), before))
            return total / requests

        with Guest("burn", "--cpu-quota", f"{SHARE * 100:.0f}%", *pin) as neighbour:
            def beside_guest(is_there: bool) -> float:
                neighbour.resume() if is_there else neighbour.pause()
                return latency()

            table.bound(
                f"a disk's latency ({kind}) beside a throttled guest{' on its CPU' if is_pinned else ''}",
                alternate(beside_guest, blocks), 1.05, "within 5 %, all of the interval")
        with Spinner(SHARE, cpu=0 if is_pinned else None) as process:
            def beside_process(is_there: bool) -> float:
                process.send_signal(signal.SIGCONT if is_there else signal.SIGSTOP)
                return latency()

            # Nothing is promised of this.
            table.told("the same beside a process that uses as much", str(alternate(beside_process, max(1, blocks // 3))))


class Spinner(subprocess.Popen):
    """A process that uses a share of a CPU, as a guest with that quota does: at the start of each period of 10 ms."""

    CODE = """if True:
        import sys, time
        period, share = 0.01, float(sys.argv[1])
        while True:
            began, used = time.monotonic(), time.thread_time()
            while time.thread_time() - used < period * share:
                pass
            time.sleep(max(0, began + period - time.monotonic()))
        """

    def __init__(self, share: float, cpu: int | None):
        # As a guest of its own: the host may divide a CPU between sessions first (sched(7), autogroup).
        super().__init__([sys.executable, "-c", self.CODE, str(share)], start_new_session=True)
        if cpu is not None:
            os.sched_setaffinity(self.pid, {cpu})

    def __exit__(self, *_):
        self.kill()
        super().__exit__(*_)
