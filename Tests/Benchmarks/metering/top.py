"""`rowhouse top` on two terminals, which tmux makes."""

import glob
import re
import subprocess
import time

from .guest import Guest, ROWHOUSE, run_time
from .table import Table


def measure(table: Table, seconds: float):
    table.title("rowhouse top, ten guests, once a second")
    guests = [Guest("burn", "--cpu-quota", f"{number + 1}%") for number in range(10)]
    for columns, rows in ((80, 24), (200, 50)):
        # A server of its own for each: the one before may still be about to end.
        server = f"bench-metering-{columns}"
        tmux(server, "new-session", "-d", "-x", str(columns), "-y", str(rows), f"exec {ROWHOUSE} top --sort name")
        try:
            time.sleep(1.5)
            threads = glob.glob(f"/proc/{tmux(server, 'list-panes', '-F', '#{pane_pid}').strip()}/task/*")
            before, begin = run_time(threads), time.monotonic_ns()
            time.sleep(seconds)
            used, wall = run_time(threads) - before, time.monotonic_ns() - begin
            screen = tmux(server, "capture-pane", "-p")
        finally:
            tmux(server, "kill-server")
        share = used / wall * 100
        table.line(f"{columns}×{rows}: its own CPU use", f"{share:.2f} %", "less than 2 %", share < 2)
        shown = dict(re.findall(r"^(guest\d+) +running +([\d.]+)%", screen, re.MULTILINE))
        error = max(abs(float(shown.get(guest.name, -100)) - number - 1) for number, guest in enumerate(guests))
        table.line(f"{columns}×{rows}: the ten shares", f"{error:.1f} % of a CPU off at most", "within 1 %", error <= 1)
    for guest in guests:
        guest.end()


def tmux(server: str, *words: str) -> str:
    command = ["tmux", "-L", server, "-f", "/dev/null", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
