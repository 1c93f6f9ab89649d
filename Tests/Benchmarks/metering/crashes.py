"""VMMs that are killed while their guests move something: the ledger has each once, and what their last page said."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator

from .guest import Guest, disk_image, rowhouse, run_time
from .network import cable
from .table import Table

# What a record says, and where a meter does.
SUMS = {
    "cpu_nanoseconds": ("cpus", "run_nanoseconds"),
    "throttled_nanoseconds": ("cpus", "throttled_nanoseconds"),
    "disk_read_bytes": ("disks", "read", "bytes"),
    "disk_reads": ("disks", "read", "requests"),
    "disk_written_bytes": ("disks", "written", "bytes"),
    "disk_writes": ("disks", "written", "requests"),
    "network_received_bytes": ("networks", "received", "bytes"),
    "network_received_packets": ("networks", "received", "packets"),
    "network_sent_bytes": ("networks", "sent", "bytes"),
    "network_sent_packets": ("networks", "sent", "packets"),
    "device_nanoseconds": ("device_nanoseconds",),
    "resident_byte_seconds": ("memory", "resident_byte_seconds"),
    "resident_peak_bytes": ("memory", "resident_peak_bytes"),
}
MOVED = ["disk_written_bytes", "console_bytes", "network_sent_bytes", "network_received_bytes"]
# The meter is brought up to date ten times a second while a guest works.
BEHIND_MILLISECONDS = 150


def measure(table: Table, times: int):
    table.title(f"SIGKILL at {times} moments")
    once = same = 0
    behind = 0.0
    shown, expected = dict.fromkeys(MOVED, 0), dict.fromkeys(MOVED, 0)
    for number in range(times):
        with (writing, streaming)[number % 2]() as (guest, figures):
            counted = run_time(guest.tasks())
            os.kill(guest.process, signal.SIGKILL)
            while "crashed" not in rowhouse("list"):
                time.sleep(0.01)
            last, words = guest.meter(), words_of(guest, figures)
            guest.remove()
        with open(os.path.join(os.environ["XDG_STATE_HOME"], "rowhouse/ledger.jsonl")) as file:
            records = [record for record in map(json.loads, file) if record["run"] == last["run"]]
        once += len(records) == 1
        same += bool(records) and all(records[0][key] == value for key, value in [*page(last).items(), *words.items()])
        behind = max(behind, (counted - (records[0]["cpu_nanoseconds"] if records else 0)) / 1e6)
        for figure in figures:
            expected[figure] += 1
            shown[figure] += bool(records) and records[0][figure] > 0
    table.line("guests with exactly one record", f"{once} of {times}", "all", once == times)
    table.line("records that are the last page", f"{same} of {times}", "all", same == times)
    table.line("records' CPU time behind what the kernel counted just before", f"{behind:.0f} ms at most",
               f"at most {BEHIND_MILLISECONDS} ms", behind <= BEHIND_MILLISECONDS)
    for figure in MOVED:
        table.line(f"records with {figure.replace('_', ' ')} above 0", f"{shown[figure]} of {expected[figure]}", "most",
                   shown[figure] > expected[figure] / 2)


def words_of(guest: Guest, figures: list[str]) -> dict[str, int]:
    """The same as `page` has, read where it lies: by docs/meter.md and not by a program of ours."""
    found = {"cpu_nanoseconds": guest.cpu_word(128)}
    if "disk_written_bytes" in figures:
        found |= {"disk_written_bytes": guest.disk_word(0, True), "disk_writes": guest.disk_word(8, True)}
    if "network_sent_bytes" in figures:
        for name, is_sent in (("sent", True), ("received", False)):
            found |= {f"network_{name}_bytes": guest.network_word(0, is_sent),
                      f"network_{name}_packets": guest.network_word(8, is_sent)}
    return found


def page(meter: dict) -> dict[str, int]:
    """What a record has to say of a guest with this last page."""
    found = {key: total(meter, *path) for key, path in SUMS.items()}
    return {**found, "console_bytes": meter["console"]["output_bytes"] + meter["console"]["input_bytes"]}


def total(part: dict | list | int, *path: str) -> int:
    if isinstance(part, list):
        return sum(total(each, *path) for each in part)
    return total(part[path[0]], *path[1:]) if path else part


def moment() -> float:
    return random.uniform(0, 0.3)


@contextlib.contextmanager
def writing() -> Iterator[tuple[Guest, list[str]]]:
    """A guest that writes a disk, and says so on its console after each flush; a moment after its start."""
    with disk_image(mebibytes=512) as disk:
        guest = Guest("disk", "--disk", disk, words="journal=100000 depth=4")
        time.sleep(moment())
        yield guest, ["disk_written_bytes", "console_bytes"]


@contextlib.contextmanager
def streaming() -> Iterator[tuple[Guest, list[str]]]:
    """A guest that sends and receives frames, at a moment of chance after its first."""
    with cable("", "", frame_bytes=1514) as one:
        one.far_end.exchange(moment(), sends=True, patience=0)
        yield one.guest, ["network_sent_bytes", "network_received_bytes"]
