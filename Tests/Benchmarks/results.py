"""Where the benchmarks that are Python programs keep what they measured, for `bench-document`, and how they measure it in
the lab."""

import datetime
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from typing import NoReturn

import whole

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
KEPT = os.path.join(ROOT, "docs/benchmarks")


def field(path: str, pattern: str) -> str:
    with open(path, encoding="utf-8") as file:
        return re.search(pattern, file.read(), re.M)[1]


def commit() -> dict[str, str]:
    """The commit that is measured, as a part of an occasion; none where there is no repository.

    What benchmarks have written into the documents is nothing that could be measured.
    """
    git = ["git", "-C", ROOT]
    try:
        name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True).stdout
        changed = subprocess.run([*git, "status", "--porcelain", "--", ".", ":!docs", ":!README.md"], check=True,
                                 capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": name.strip() + ("-dirty" if changed else "")}


PROGRAMS = ("bin/rowhouse", "bin/rowhouse-vmm")


def check_programs() -> None:
    """Refuses programs that are older than what they are built of: what they do is none of the commit's."""
    sources = [os.path.join(ROOT, "Package.swift")]
    sources += [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(ROOT, "Sources")) for name in names]
    newest = max(sources, key=os.path.getmtime)
    for program in PROGRAMS:
        path = os.path.join(ROOT, program)
        if not os.path.exists(path):
            reason = "is missing"
        elif os.path.getmtime(path) < os.path.getmtime(newest):
            reason = f"is older than {os.path.relpath(newest, ROOT)}"
        else:
            continue
        sys.exit(f"{os.path.basename(sys.argv[0])}: {program} {reason}: run `make build`, then measure")


def leave_on_signals() -> None:
    """On a signal: leaves through the `finally` clauses, so that no guests stay."""
    def leave(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def occasion() -> dict:
    """Date, load, command line and commit; to be asked before the machine is busy with the benchmark."""
    check_programs()
    return {
        **commit(),
        "command": shlex.join([f"Tests/Benchmarks/{os.path.basename(sys.argv[0])}", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "load_average": os.getloadavg()[0],
    }


def host() -> dict:
    """This machine, as `rowhouse bench` describes it."""
    return {
        "cpu_model": field("/proc/cpuinfo", r"^model name\s*: (.*)$"),
        "cpus": os.cpu_count(),
        "hardware_virtualization": re.search(r"\b(svm|vmx)\b", field("/proc/cpuinfo", r"^flags\s*: (.*)$")) is not None,
        "kernel": os.uname().release,
        "memory_bytes": int(field("/proc/meminfo", r"^MemTotal:\s*(\d+) kB$")) * 1024,
    }


# As many labs may stand still, and what the exit status of one says that was ended for it.
LABS, TIMED_OUT = 6, 124


def in_lab(command: list[str], seconds: int, *options: str) -> tuple[str, int]:
    """What a command says on standard output in the lab, in virtual time and with QEMU beside, and how many labs stood
    still before: one that takes longer than so many seconds does (docs/testing.md), and a new one is started."""
    lab = [os.path.join(ROOT, "Tests/Lab/lab"), "--icount", "--qemu", "--timeout", str(seconds), *options]
    for stood_still in range(LABS):
        run = subprocess.run([*lab, "--", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                             errors="replace", check=False)
        if run.returncode != TIMED_OUT:
            break
    if run.returncode != 0:
        sys.exit(f"{os.path.basename(sys.argv[0])}: the lab ended with status {run.returncode}")
    return run.stdout, stood_still


def label(stood_still: int) -> str | None:
    """What is to be said of labs that stood still."""
    return f"measured anew where one stood still: {stood_still} did" if stood_still else None


# Lines of a script in the lab, by which it tells `lab_host` what the lab is.
LAB_FACTS = [
    "echo \"lab: kernel=$(uname -r)\"",
    "sed -n 's/^model name[^:]*: /lab: cpu_model=/p' /proc/cpuinfo",
    "awk '/^MemTotal/ { print \"lab: memory_bytes=\" $2 * 1024 }' /proc/meminfo",
]


def lab_host(said: str) -> dict:
    """The lab, from what it said, as `host` describes this machine."""
    facts = dict(re.findall(r"^lab: (\w+)=(.*?)\s*$", said, re.M))
    return {"cpu_model": facts["cpu_model"], "cpus": 1, "hardware_virtualization": True, "kernel": facts["kernel"],
            "memory_bytes": int(facts["memory_bytes"])}


def keep(name: str, when: dict, **measured) -> None:
    """Writes docs/benchmarks/NAME/results.json. What was measured in the lab brings its `host` along."""
    os.makedirs(os.path.join(KEPT, name), exist_ok=True)
    results = {"host": host(), **measured, "kind": name, "occasion": when}
    whole.write({os.path.join(KEPT, name, "results.json"): text(results)})


def text(results: dict) -> str:
    """A results.json."""
    return json.dumps(results, indent=2, sort_keys=True) + "\n"
