"""The rate of this machine's time-stamp counter."""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ = bytes.fromhex("0f31 48c1e220 4809d0 c3")


def khz() -> int | None:
    """Measures the rate against the clock, to a few millionths; None on processors without such a counter."""
    if platform.machine() != "x86_64":
        return None
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code:
        code.write(READ)
        place = ctypes.c_char.from_buffer(code)
        counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(place))

        def reading() -> tuple[int, int]:
            """Time in nanoseconds and the count at that time: of several tries the one that nothing came between."""
            tries = [(time.monotonic_ns(), counter(), time.monotonic_ns()) for _ in range(10)]
            before, count, after = min(tries, key=lambda one: one[2] - one[0])
            return (before + after) // 2, count

        start, first = reading()
        time.sleep(0.05)
        end, last = reading()
        del place, counter  # the page cannot be closed while they point into it
    return round((last - first) * 1_000_000 / (end - start))
