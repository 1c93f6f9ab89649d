"""CPU quotas: how exactly they are kept, how long a guest stands still, and that it loses nothing by one."""

import filecmp
import os
import re
import statistics
import subprocess
import tempfile
import time

from .guest import Guest, ROWHOUSE, disk_image, run_time
from .table import Table

# Per cent of one CPU, vCPUs that share them, and the host's CPU that all of these are kept on.
SHARES = [(5, 1, None), (10, 1, None), (25, 1, None), (50, 1, None), (75, 1, None), (100, 1, None), (10, 2, None),
          (100, 2, None), (150, 2, None), (20, 4, None), (20, 2, 0)]
PERIOD_MILLISECONDS = 10
# A host that stands still itself, as virtual ones do now and then, does so in the lesser part of them.
LOOKS = 5


def measure(table: Table, seconds: float):
    table.title(f"CPU quota over {seconds:.0f} s")
    for share, cpus, pin in SHARES:
        options = ["--cpu-quota", f"{share}%", "--cpus", str(cpus), *([] if pin is None else ["--cpu-pin", str(pin)])]
        with Guest("burn", *options) as guest:
            time.sleep(0.5)
            threads = guest.tasks()
            before, begin = run_time(threads), time.monotonic_ns()
            time.sleep(seconds)
            used, wall = run_time(threads) - before, time.monotonic_ns() - begin
            error = (used / wall * 100 / share - 1) * 100
            bound = 5 if share == 5 else 2
            what = f"{share} % on {cpus} vCPU{'s' if cpus > 1 else ''}{'' if pin is None else ' on one CPU'}"
            table.line(what, f"{used / wall * 100:.3f} % ({error:+.2f} %)", f"within {bound} %", abs(error) <= bound)
        most, stretches = PERIOD_MILLISECONDS + 2, sorted(longest_stretch(options) for _ in range(LOOKS))
        stretch = statistics.median(stretches)
        table.line(f"{what}: longest stretch without running", f"{stretch:.2f} ms ({stretches[0]:.2f} to {stretches[-1]:.2f})",
                   f"at most {most} ms", stretch <= most)
    for share in (5, 25):
        lose_nothing(table, share)


def longest_stretch(options: list[str]) -> float:
    """The longest time in which a vCPU did not run, in milliseconds, as the guest itself sees by its time stamp counter:
    who looks from outside needs a CPU for that, which the guest has to wait for."""
    with Guest("burn", *options, words="stretches=2000") as guest:
        guest.wait()
        return int(re.search(r"longest stretch: (\d+) microseconds", guest.said())[1]) / 1000


def lose_nothing(table: Table, share: int):
    with tempfile.TemporaryDirectory() as folder:
        heard = []
        for options in [(), ("--cpu-quota", f"{share}%")]:
            kernel = ("--boot", "flat", "--load-address", "0x10000")
            with Guest("flood.bin", *kernel, *options) as guest:
                subprocess.run([ROWHOUSE, "wait", guest.name], check=False)
                heard.append(os.path.join(folder, str(len(heard))))
                with open(heard[-1], "wb") as file:
                    subprocess.run([ROWHOUSE, "logs", guest.name], check=True, stdout=file)
                throttled = guest.cpu_word(136)
        same = filecmp.cmp(*heard, shallow=False) and throttled > 0
        table.line(f"{share} %: console bytes as without a quota", f"{os.path.getsize(heard[1])} of {os.path.getsize(heard[0])}",
                   "all, with waits", same)
    with disk_image() as disk:
        count = 2000
        with Guest("disk", "--disk", disk, "--cpu-quota", f"{share}%", words=f"count={count} bytes=4096 depth=8") as guest:
            guest.wait()
            written = guest.meter()["disks"][0]["written"]
            told = f"requests={count} bytes={count * 4096}" in guest.said()
            holds = told and written["requests"] == count and guest.cpu_word(136) > 0
        table.line(f"{share} %: disk requests", f"{written['requests']} of {count}", "all, with waits", holds)
