"""The tables of a boot, from the results.json of `rowhouse bench boot`: what bench-document and bench-report both show, each
in its own form. A table is its head and its rows."""

from collections.abc import Callable
from statistics import median

import boot_phases
import intervals
from figures import mebibytes, time

Table = tuple[list[str], list[list[str]]]

# As GuestTime.leastNanoseconds in Sources/rowhouse/Bench/Boot: the kernel divides CPU time by its ticks, and of a few
# of them nothing is said.
LEAST_DIVIDED = 50e6
# As BootTable.exitLimit there.
DEAREST = 10

# Why a guest does what costs an exit.
REASONS = {
    "8250 transmit": "a character of the console",
    "8250 line status": "the console's driver looks whether the transmitter is empty",
    "8250 receive": "the driver empties the receiver when it starts, and tells chips apart by the divisor behind it",
    "8250 interrupt enable": "the driver switches interrupts, also around each line that the kernel prints",
    "8250 interrupt identification": "the driver finds out what an interrupt is about, and which chip this is",
    "8250 FIFO control": "the driver switches the queues on and empties them",
    "8250 line control": "the driver sets speed and format, and tells chips apart",
    "8250 modem control": "the driver tests the loop back to itself, and says that it is ready",
    "8250 modem status": "the driver looks who is at the other end",
    "8250 scratch": "the driver looks whether this is a chip of before the 16450",
    "8250 probe": "the driver looks for the other three ports of a PC; nobody answers",
    "CMOS register choice": "which register of the calendar clock is read next",
    "CMOS": "the calendar clock is read",
    "PCI configuration probe": "the kernel looks for PCI; nobody answers",
    "i8042": "the kernel looks for a keyboard controller",
    "ACPI PM1 events": "ACPI is switched on, and power button and sleep button are asked for",
    "ACPI PM1 control": "ACPI's control register, at the end the order to power off",
    "ACPI PM timer": "the kernel compares its clocks with ACPI's timer",
    "POST code": "a mark, or a write that only loses a microsecond",
    "boot timer": "the first program's mark",
    "virtio devices": "a driver reads or sets up a virtio device",
    "debug exit": "nobody answers to what is asked there",
    "a request of the VMM's other threads": "the VMM stops its CPUs",
    "no device": "the kernel looks for a device that is not there",
}


def times(results: dict, goal: str, show: Callable[[float], str] = time) -> Table:
    """Every contestant's times to one goal."""
    first = results["contestants"][0]
    rows = [[one["name"], *(show(summary[key]) for key in ("minimum", "median", "p90", "maximum")),
             intervals.of_median(one, goal, show), boot_phases.ratio(first, one, goal)]
            for one in results["contestants"] if (summary := one["summary"].get(goal))]
    return [boot_phases.GOALS[goal], "minimum", "median", "p90", "maximum", "median, 95 %",
            f"{first['name']} / it, 95 %"], rows


def middle(contestant: dict, figure: Callable[[dict], float | None]) -> float | None:
    """The median of a figure; nothing where not every run has it: of some runs it would be another one."""
    values = [figure(run) for run in contestant["runs"]]
    return None if None in values else median(values)


def cpu_time(contestant: dict, part: str) -> float | None:
    """One of the parts that a run's CPU time is told by."""
    return middle(contestant, lambda run: run.get(f"{part}_nanoseconds"))


def resources(contestants: list[dict]) -> Table:
    """CPU time, page faults and memory of every contestant, medians."""
    def shown(value: float | None, show: Callable[[float], str], least: float = 0) -> str:
        return show(value) if value is not None and value >= least else intervals.NONE

    # Only rowhouse-vmm tells the threads of the guest's CPUs from others, and files of before it did have none.
    threads = {"vcpu": "of the CPUs' threads", "device": "of others"}
    threads = {part: head for part, head in threads.items() if any(cpu_time(one, part) is not None for one in contestants)}
    rows = []
    for one in contestants:
        used = middle(one, lambda run: run["user_nanoseconds"] + run["system_nanoseconds"])
        rows.append([
            one["name"], shown(used, time), *(shown(cpu_time(one, part), time) for part in threads),
            *(shown(cpu_time(one, part), time, LEAST_DIVIDED) if used >= LEAST_DIVIDED else intervals.NONE
              for part in ("user", "guest", "system")),
            shown(middle(one, lambda run: run["minor_faults"] + run["major_faults"]), lambda value: f"{value:.0f}"),
            shown(middle(one, lambda run: run.get("peak_resident_bytes")), mebibytes)])
    return ["", "CPU time", *threads.values(), "user", "of it guest", "system", "page faults", "largest process"], rows


def phases(results: dict, contestant: dict) -> Table:
    """Where the time of one contestant goes, in its most typical run. What happens at once is told below, each with the
    time that it takes."""
    last, rows = 0.0, []
    for moment, since_start in boot_phases.moments(results, contestant).items():
        rows.append([boot_phases.PHASES[moment], time(since_start - last), time(since_start)])
        last = since_start
        if moment == boot_phases.TOGETHER:
            rows += [[f"– of it {boot_phases.PARTS[part]}", f"({time(took)})", ""]
                     for part, took in boot_phases.side_by_side(contestant).items()]
    return [f"{contestant['name']}, its most typical run", "takes", "since the start"], rows


def exits_time(contestant: dict) -> float:
    """The VMM's own time over all exits to it together, in nanoseconds."""
    return sum(exit["nanoseconds"] for exit in contestant["exits"])


def exits(contestant: dict) -> Table:
    """The dearest exits by the VMM's own time, where they are, why the guest makes them, and what all come to."""
    rows = []
    for exit in contestant["exits"][:DEAREST]:
        why = REASONS.get(exit["name"]) or next(
            (text for key, text in REASONS.items() if exit["name"].startswith(key)), "")
        rows.append([exit["name"], f"{exit['reason']} {exit['address']:#x}", str(exit["count"]),
                     time(exit["nanoseconds"]), why])
    # Not every KVM has counters.
    counted = (contestant.get("kvm") or {}).get("exits")
    rows.append(["all to the VMM", "", str(sum(exit["count"] for exit in contestant["exits"])),
                 time(exits_time(contestant)), f"of {counted} exits that KVM counts" if counted is not None else ""])
    return ["exit, from start to end", "where", "count", "in the VMM", "why"], rows
