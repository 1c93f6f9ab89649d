"""What is promised of Rowhouse's speed and size, and what was measured of it."""

from collections.abc import Callable
from dataclasses import dataclass

import kept
import verdicts
from figures import mebibytes, time

# Those of bench-startup, which fails where they are not kept: of a small guest's first byte, beside the least program that
# runs it and beside QEMU's microvm, and of a million exits beside the former.
BARE_RATIO = 1.15
MICROVM_RATIO = 0.2
EXITS_RATIO = 1.1
# Those of bench-street, which fails too: how much more time the start of one more guest, and how much more memory each,
# may take beside 99 others than alone. A start reads what each guest that there is was promised, for the host's budget of
# memory.
START_RATIO = 1.5
MEMORY_RATIO = 1.05
# How many guests are started a second, of 100, beside those of the first 10.
RATE_RATIO = 0.8
# By which part of itself a median in the lab may differ when it is measured again.
REPEATABLE = 0.01


@dataclass
class Promise:
    what: str
    ours: float
    theirs: float
    # Who the others are.
    whose: str
    # What the quotient of the two may be.
    limit: float
    show: Callable[[float], str]
    # Whether it is to be at least that, and not at most.
    is_least: bool = False
    # Where the quotient is with 95 % confidence, if that is known.
    interval: tuple[float, float] | None = None

    @property
    def quotient(self) -> float:
        return self.ours / self.theirs

    @property
    def verdict(self) -> str:
        """One of those in `verdicts`: of the interval, or of the quotient where there is none."""
        low, high = self.interval or (self.quotient, self.quotient)
        return verdicts.of(low, high, self.limit, self.is_least)

    # In the words that table and picture have in common:

    @property
    def beside(self) -> str:
        return f"{self.show(self.theirs)} ({self.whose})"

    @property
    def ratio(self) -> str:
        return f"{self.quotient:.2f}"

    @property
    def certainty(self) -> str:
        """What follows the ratio: where it is with 95 % confidence; nothing if that is not known."""
        return " ({:.2f} to {:.2f})".format(*self.interval) if self.interval else ""

    @property
    def bound(self) -> str:
        return f"at {'least' if self.is_least else 'most'} {self.limit:g}"


def boot(what: str, name: str, goal: str, ours: str, theirs: str | None, limit: float) -> Promise:
    """A promise of the time to a goal.

    theirs: how the names begin of those of whom the fastest is beside it; None for all other VMMs that took part.
    """
    other = kept.best(name, goal, theirs)
    # Ratios are of the first contestant to the others.
    ratio = other["ratios"].get(goal, {}) if ours == kept.load(name)["contestants"][0]["name"] else {}
    interval = (ratio["low"], ratio["high"]) if "low" in ratio else None
    return Promise(what, kept.median(name, ours, goal), other["summary"][goal]["median"], other["name"], limit, time,
                   interval=interval)


def small_guest() -> list[Promise]:
    return [
        boot("first byte, beside the least program that runs it", "hello", "first_byte", "rowhouse", "bare", BARE_RATIO),
        boot("first byte", "hello", "first_byte", "rowhouse", "qemu-microvm",
             MICROVM_RATIO),
        boot("all of `rowhouse run` with it", "hello-run", "exit", "rowhouse-run", "qemu-microvm", 0.5),
    ]


# What 6.12 is called with `cryptomgr.notests`.
UNTESTED = "6.12 untested"


def debian() -> list[Promise]:
    # `rowhouse run` unpacks a bzImage once and keeps that; it was measured after it had.
    forms = (("bzImage from the second start on, all of `rowhouse run`", "rowhouse-run vmlinuz-{}"),
             ("ELF", "rowhouse vmlinux-{}.elf"), ("bzImage that unpacks itself (`--no-unpack`)", "rowhouse vmlinuz-{}"))
    return [boot(f"{what}, {form}", name, "exit", who.format(version), None, 0.9)
            for what, name, version in (("6.1", "debian-6.1", "6.1"), ("6.12", "debian-6.12", "6.12"),
                                        (UNTESTED, "debian-6.12-untested", "6.12"))
            for form, who in forms]


def small_linux() -> list[Promise]:
    return [boot(what, name, "kernel_to_init", "rowhouse", "qemu-microvm", 0.8)
            for what, name in (("that says little", "small-linux"), ("with its log on the console", "small-linux-log"))]


def rate(value: float) -> str:
    return f"{value:.1f}"


def many_guests() -> list[Promise]:
    ours, theirs = (kept.point("density", who, "100") for who in ("rowhouse", "qemu-microvm"))
    first = kept.point("density", "rowhouse", "10")
    street = {one["guests"]: one for one in kept.load("street")["points"]}
    alone, among = street[1], street[100]
    return [
        Promise("started a second, up to 100", ours["guests_per_second"], theirs["guests_per_second"], "qemu-microvm",
                5, rate, is_least=True),
        Promise("started a second, up to 100, beside the first 10", ours["guests_per_second"],
                first["guests_per_second"], "the first 10", RATE_RATIO, rate, is_least=True),
        Promise("resident for each of 100, beside the guest's memory", ours["overhead_bytes_per_guest"], 5 << 20,
                "the limit", 1, mebibytes),
        Promise("memory of its own, each of 100", among["own_bytes_per_guest"], alone["own_bytes_per_guest"],
                "one alone", MEMORY_RATIO, mebibytes),
        Promise("CPU time of one more start among 100", among["start_cpu_nanoseconds"], alone["start_cpu_nanoseconds"],
                "one alone", START_RATIO, time),
    ]


# By what they are about; each makes its own, as some may not be measured yet.
GROUPS = {
    "A small guest on this machine": small_guest,
    "Debian's Linux in the lab, start to end": debian,
    "A small Linux in the lab, kernel to init": small_linux,
    "Many guests on this machine": many_guests,
}
# What was measured twice: the one and the other.
AGAIN = {f"Linux {what}": (name, f"{name}-again") for what, name in (
    ("6.1", "debian-6.1"), ("6.12", "debian-6.12"), (UNTESTED, "debian-6.12-untested"))}

# What is known not to be kept, or not to be shown. `make test` fails where the results say another thing: what is not kept
# or not shown and not here is to be mended, or owned to by its name here; what is here and is kept now is to be taken out.
UNKEPT = {
    "6.12, bzImage that unpacks itself (`--no-unpack`)": verdicts.BROKEN,
    f"{UNTESTED}, bzImage that unpacks itself (`--no-unpack`)": verdicts.BROKEN,
    "that says little": verdicts.BROKEN,
    "Linux 6.12": verdicts.BROKEN,
}


def repeatability(before: str, after: str) -> str:
    """What two measurements of the same say of `REPEATABLE`: one of those in `verdicts`."""
    difference = kept.largest_difference(before, after, "exit")
    return verdicts.of(difference, difference, REPEATABLE)


def unkept() -> dict[str, str]:
    """What the results do not keep, or do not show, of all that is promised, and which of both."""
    said = {promise.what: promise.verdict for make in GROUPS.values() for promise in make()}
    said |= {what: repeatability(*names) for what, names in AGAIN.items()}
    return {what: verdict for what, verdict in said.items() if verdict != verdicts.KEPT}
