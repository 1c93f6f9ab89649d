"""A guest to measure: started by `rowhouse`, watched by its meter page, asked over its control socket."""

import contextlib
import glob
import itertools
import json
import mmap
import os
import socket
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
ROWHOUSE = os.path.join(ROOT, "bin/rowhouse")
GUESTS = os.path.join(ROOT, "guests/build")

# In the order of RateLimits.Item, which is that of the meter page: rates, bursts, the budget.
DISK_LIMITS = ["read-bandwidth", "write-bandwidth", "bandwidth", "read-iops", "write-iops", "iops"]
NETWORK_LIMITS = ["rx-bandwidth", "tx-bandwidth", "bandwidth", "rx-packets", "tx-packets", "packets"]


def rowhouse(*words: str) -> str:
    return subprocess.run([ROWHOUSE, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def run_time(paths: list[str]) -> int:
    """CPU time of threads in nanoseconds (proc(5), schedstat)."""
    total = 0
    for path in paths:
        with open(path + "/schedstat") as file:
            total += int(file.read().split()[0])
    return total


class Guest:
    """Runs from its making on, until `end` or the end of a `with`."""

    made = itertools.count()

    def __init__(self, kernel: str, *options: str, words: str = ""):
        self.name = f"guest{next(self.made)}"
        path = os.path.join(GUESTS, kernel if "." in kernel else kernel + ".elf")
        subprocess.run([ROWHOUSE, "run", "--detach", "--name", self.name, path, *options, "--", *words.split()], check=True,
                       stdout=subprocess.DEVNULL)
        self.folder = os.path.join(os.environ["XDG_RUNTIME_DIR"], "rowhouse", self.name)
        with open(os.path.join(self.folder, "meter"), "rb") as file:
            self.page = memoryview(mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)).cast("Q")
        self.process = self.page[48 // 8]
        self.connection = None
        self.is_there = True
        self.requests = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.is_there:
            subprocess.run([ROWHOUSE, "stop", "--grace", "0", "--remove", self.name], stdout=subprocess.DEVNULL)
        self.is_there = False

    def remove(self):
        """One that has ended."""
        subprocess.run([ROWHOUSE, "remove", self.name], check=True)
        self.is_there = False

    def wait(self):
        """Until it ends by itself, well."""
        subprocess.run([ROWHOUSE, "wait", self.name], check=True)

    def await_text(self, text: str):
        while text not in self.said():
            time.sleep(0.05)

    def said(self) -> str:
        return rowhouse("logs", self.name).replace("\r", "")

    def meter(self) -> dict:
        return json.loads(rowhouse("meter", self.name, "--json"))

    def tasks(self, prefix: str = "vcpu") -> list[str]:
        found = []
        for task in glob.glob(f"/proc/{self.process}/task/*"):
            with contextlib.suppress(FileNotFoundError), open(task + "/comm") as file:
                if file.read().startswith(prefix):
                    found.append(task)
        return sorted(found)

    # The meter page (docs/meter.md), read where it lies.

    def cpu_word(self, offset: int, cpu: int = 0) -> int:
        return self.page[(self.page[80 // 8] + 256 * cpu + offset) // 8]

    def disk_word(self, offset: int, is_write: bool, disk: int = 0) -> int:
        return self.page[(self.page[88 // 8] + 1536 * disk + 512 * is_write + offset) // 8]

    def network_word(self, offset: int, is_sent: bool, card: int = 0) -> int:
        return self.page[(self.page[96 // 8] + 512 * card + 64 * is_sent + offset) // 8]

    @property
    def port_writes(self) -> int:
        return self.cpu_word(8)

    # The control socket (docs/architecture.md).

    def ask(self, kind: int, body: bytes = b""):
        """Sends a request over one connection, which stays, and waits until it is done."""
        if self.connection is None:
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.connect(os.path.join(self.folder, "control.sock"))
        number = next(self.requests)
        self.connection.sendall(struct.pack("<IHHI", len(body), 1, kind, number) + body)
        length, _, answer, _ = struct.unpack("<IHHI", self.receive(12))
        self.receive(length)
        if answer == 0xFFFF:
            raise RuntimeError(f"{self.name} refuses request {kind}")

    def receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.connection.recv(count - len(data))
            if not piece:
                raise RuntimeError(f"{self.name} has gone")
            data += piece
        return data

    def pause(self):
        self.ask(6)

    def resume(self):
        self.ask(7)

    def sample(self):
        self.ask(17)

    def set_quota(self, percent: float | None):
        self.ask(16, struct.pack("<BHBQ", 0, 0, 0, round((percent or 0) * 100)))

    def set_disk(self, limit: str, value: int | None):
        self.ask(16, struct.pack("<BHBQ", 1, 0, DISK_LIMITS.index(limit), value or 0))

    def set_network(self, limit: str, value: int | None):
        self.ask(16, struct.pack("<BHBQ", 2, 0, NETWORK_LIMITS.index(limit), value or 0))


@contextlib.contextmanager
def cable(folder: str, sender: tuple[str, str], receiver: tuple[str, str], options: tuple[str, ...] = ()):
    """Two `net` guests on one cable: the card's limits and the words of the one that sends, and of the one that answers;
    and what else both are started with."""
    path = os.path.join(folder, "cable")
    with Guest("net", "--net", f"socket={path}{receiver[0]}", *options, words=f"host=1 {receiver[1]}") as answering:
        answering.await_text("answering")
        with Guest("net", "--net", f"socket={path}{sender[0]}", *options, words=f"host=2 peer=1 {sender[1]}") as sending:
            yield sending, answering


@contextlib.contextmanager
def disk_image(mebibytes: int = 16):
    """A folder with a raw image in it, in memory where there is some."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "disk")
        with open(path, "wb") as file:
            file.truncate(mebibytes << 20)
        yield path
