"""VMMs that are killed: the ledger has each once, and what their last page said."""

import json
import os
import random
import signal
import subprocess
import time

from .guest import Guest, ROWHOUSE, rowhouse
from .table import Table


def measure(table: Table, times: int):
    table.title(f"SIGKILL at {times} moments")
    once, same = 0, 0
    for _ in range(times):
        guest = Guest("burn")
        time.sleep(random.uniform(0, 0.3))
        os.kill(guest.process, signal.SIGKILL)
        while "crashed" not in rowhouse("list"):
            time.sleep(0.01)
        last = guest.meter()
        subprocess.run([ROWHOUSE, "remove", guest.name], check=True)
        with open(os.path.join(os.environ["XDG_STATE_HOME"], "rowhouse/ledger.jsonl")) as file:
            records = [record for record in map(json.loads, file) if record["run"] == last["run"]]
        once += len(records) == 1
        same += bool(records) and records[0]["cpu_nanoseconds"] == sum(cpu["run_nanoseconds"] for cpu in last["cpus"]) \
            and records[0]["resident_byte_seconds"] == last["memory"]["resident_byte_seconds"] \
            and records[0]["device_nanoseconds"] == last["device_nanoseconds"]
    table.line("guests with exactly one record", f"{once} of {times}", "all", once == times)
    table.line("records that are the last page", f"{same} of {times}", "all", same == times)
