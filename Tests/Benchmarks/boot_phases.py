"""The phases of a boot, as the results.json of `rowhouse bench boot` has them: what bench-document tells and bench-report draws."""

from statistics import median

# KVM makes the machine on one thread while another reads the configuration and loads the image; both begin when the
# process has started, and the guest needs both.
MACHINE, IMAGE = "machine_created", "image_loaded"
TOGETHER = "machine_and_image"
BEGIN = "process_started"

# The moments that phases end at; as in Sources/rowhouse/Bench/Boot/BootMoment.swift, but for those two.
MOMENTS = (BEGIN, TOGETHER, "guest_started", "kernel_entered", "first_byte", "init", "marker", "guest_ended", "torn_down",
           "exit")


def is_quiet(results: dict) -> bool:
    """Whether the guest is a Linux that says nothing unless something is wrong: its first byte is another event under each
    VMM, whatever it is that the kernel misses there, so it is compared with nobody's."""
    return "quiet" in (results["guest"].get("command_line") or "").split()


def moments(results: dict, contestant: dict) -> dict[str, float]:
    """When each phase ends, one after the other: medians, nanoseconds since the start."""
    runs = [dict(run["moments_nanoseconds"]) for run in contestant["runs"]]
    for run in runs:
        if MACHINE in run and IMAGE in run:
            run[TOGETHER] = max(run[MACHINE], run[IMAGE])
        if is_quiet(results):
            run.pop("first_byte", None)
    medians = {moment: median(run[moment] for run in runs) for moment in MOMENTS if all(moment in run for run in runs)}
    return dict(sorted(medians.items(), key=lambda one: one[1]))


def side_by_side(contestant: dict) -> dict[str, float]:
    """What KVM's making of the machine and the loading of the image take, each by itself: medians, nanoseconds."""
    runs = [run["moments_nanoseconds"] for run in contestant["runs"]]
    return {part: median(run[part] - run[BEGIN] for run in runs) for part in (MACHINE, IMAGE)
            if all(part in run and BEGIN in run for run in runs)}
