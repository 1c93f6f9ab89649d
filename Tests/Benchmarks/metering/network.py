"""Limits of network cards: what goes through, as a program at the other end of the cable counts it."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator

import verdicts

from .farend import FarEnd
from .guest import Guest
from .table import Table

# Which way frames go: what the guest does, and whether it sends, and the other end.
WAYS = {"tx": ("peer=1 stream count=1000000000", True, False), "rx": ("sink", False, True),
        "": ("peer=1 stream sink count=1000000000", True, True)}
# How long nothing has to move until all that was sent has arrived.
STILL_SECONDS = 0.3


class Cable:
    """A guest that sends, receives or does both as fast as it can, and the other end of its cable."""

    def __init__(self, guest: Guest, far_end: FarEnd, way: str):
        self.guest, self.far_end = guest, far_end
        self.far_end_sends = WAYS[way][2]

    def rate(self, figure: str, seconds: float) -> tuple[float, float]:
        """Bytes or packets a second, both ways together: as the other end counts, and as the meter does."""
        # The burst, a tenth of a second's worth, is over.
        self.far_end.exchange(1.5, self.far_end_sends)
        first, first_metered = self.far_end.exchange(0, self.far_end_sends), self.metered(figure)
        last, last_metered = self.far_end.exchange(seconds, self.far_end_sends), self.metered(figure)
        wall = (last.nanoseconds - first.nanoseconds) / 1e9
        counted = last.received[figure] - first.received[figure] + last.sent[figure] - first.sent[figure]
        return counted / wall, (sum(last_metered) - sum(first_metered)) / wall

    def metered(self, figure: str) -> tuple[int, int]:
        """What the guest's card has sent and received."""
        return tuple(self.guest.network_word({"bytes": 0, "packets": 8}[figure], is_sent) for is_sent in (True, False))

    def settle(self) -> tuple[tuple, tuple]:
        """Lets all arrive that is under way; what the other end and the meter have counted then, packets and bytes."""
        self.far_end.finish()
        self.await_still(lambda: self.metered("bytes")[1])
        self.guest.pause()
        self.await_still(lambda: (self.far_end.received_bytes, self.metered("bytes")))
        totals = [self.far_end.totals(count) for count in (self.far_end.received_bytes, self.far_end.sent_bytes)]
        counted = tuple(tuple(total[figure] for total in totals) for figure in ("packets", "bytes"))
        return counted, (self.metered("packets"), self.metered("bytes"))

    def await_still(self, look: Callable[[], object]):
        last = None
        while (now := look()) != last:
            last = now
            self.far_end.exchange(STILL_SECONDS, sends=False, patience=0)


@contextlib.contextmanager
def cable(way: str, limit: str, frame_bytes: int) -> Iterator[Cable]:
    words, guest_sends, _ = WAYS[way]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cable")
        net = f"socket={path}{limit and ','}{limit}"
        with FarEnd(path, frame_bytes) as far_end, \
                Guest("net", "--net", net, words=f"host=2 bytes={frame_bytes} {words}") as guest:
            far_end.meet(answers=guest_sends)
            if guest_sends:
                far_end.await_frame()
            else:
                guest.await_text("taking")
            yield Cable(guest, far_end, way)


def cases() -> list[tuple[str, str, str, int, int]]:
    """Which way, the limit, what it is of, its rate, and the bytes of each frame."""
    found = []
    for way in WAYS:
        name = f"{way}-" if way else ""
        found += [(way, f"{name}bandwidth={rate}M", "bytes", rate << 20, 65_549 if rate == 100 else 1514)
                  for rate in (1, 10, 100)]
        found += [(way, f"{name}packets={rate}", "packets", rate, 200) for rate in (100, 1000, 10000)]
        found += [(way, f"{name}packets=1000,{name}packets-burst=1", "packets", 1000, 200)]
    return found


def measure(table: Table, seconds: float):
    held = counted = 0
    for way, limit, figure, rate, frame_bytes in cases():
        with cable(way, limit, frame_bytes) as one:
            # Of slow ones, one frame more or less that is under way would count for much.
            reached, metered = one.rate(figure, seconds if rate > 100 else 4 * seconds)
            counts, meter = one.settle()
        held += counts == meter
        counted += 1
        error, apart = (reached / rate - 1) * 100, (metered / reached - 1) * 100
        what = f"network: {limit}{'' if way else ', both ways'}"
        if error < -2 and (most := unlimited(way, figure, frame_bytes, seconds)) < 1.1 * rate:
            table.judged(what, f"{most:.0f}/s without a limit", "within 2 %", verdicts.UNSHOWN)
            continue
        table.line(what, f"{reached:.0f}/s ({error:+.2f} %), meter {apart:+.2f} %", "both within 2 %",
                   abs(error) <= 2 and abs((metered / rate - 1) * 100) <= 2)
    table.line("network: the meter as the other end counts", f"{held} of {counted} cards", "all packets and bytes",
               held == counted)


def unlimited(way: str, figure: str, frame_bytes: int, seconds: float) -> float:
    """What goes through without a limit: what one above it does cannot be seen."""
    with cable(way, "", frame_bytes) as one:
        return one.rate(figure, seconds)[0]
