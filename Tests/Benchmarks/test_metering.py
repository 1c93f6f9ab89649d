"""Checks what `bench-metering` counts with: `python3 -m unittest discover Tests/Benchmarks`."""

import os
import socket
import struct
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

from metering import cost, crashes, top
from metering.farend import FarEnd


def record(frame: bytes) -> bytes:
    return struct.pack(">I", len(frame)) + frame


class FarEnds(unittest.TestCase):
    """The other end of a cable, met by a card of this test's own."""

    GUEST, OWN = b"\x52\x54\0\0\0\x07", b"\x02\0\0\0\0\x01"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path = os.path.join(self.folder.name, "cable")
        self.far_end = FarEnd(path, 100)
        self.addCleanup(self.far_end.__exit__)
        self.card = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.card.close)
        self.card.settimeout(10)
        self.card.connect(path)

    def receive(self, count: int) -> bytes:
        return self.card.recv(count, socket.MSG_WAITALL)

    def test_it_answers_who_has_its_address(self):
        # RFC 826: 10.7.0.2 asks who has 10.7.0.1.
        question = b"\xff" * 6 + self.GUEST + bytes.fromhex("0806 0001 0800 06 04 0001") + self.GUEST \
            + b"\x0a\x07\0\x02" + bytes(6) + b"\x0a\x07\0\x01"
        self.card.sendall(record(question.ljust(60, b"\0")))
        self.far_end.meet(answers=True)
        answer = self.GUEST + self.OWN + bytes.fromhex("0806 0001 0800 06 04 0002") + self.OWN + b"\x0a\x07\0\x01" \
            + self.GUEST + b"\x0a\x07\0\x02"
        self.assertEqual(self.receive(64), record(answer.ljust(60, b"\0")))
        self.card.sendall(3 * record(bytes(100)))
        look = self.far_end.exchange(0, sends=False)
        self.assertEqual((look.received, look.sent), ({"packets": 3, "bytes": 300}, {"packets": 0, "bytes": 0}))
        self.assertEqual(self.far_end.totals(self.far_end.received_bytes), {"packets": 4, "bytes": 360})

    def test_what_it_sends_are_whole_frames(self):
        self.far_end.meet(answers=False)
        first = self.far_end.exchange(0, sends=True)
        self.assertGreater(first.sent["packets"], 0)
        received = bytearray()

        def read():
            while piece := self.card.recv(1 << 16):
                received.extend(piece)

        reader = threading.Thread(target=read)
        reader.start()
        self.far_end.exchange(0.05, sends=True)
        self.far_end.finish()
        self.far_end.socket.shutdown(socket.SHUT_WR)
        reader.join()
        count = len(received) // 104
        self.assertEqual(bytes(received), self.far_end.record * count)
        self.assertEqual(self.far_end.totals(self.far_end.sent_bytes), {"packets": count, "bytes": 100 * count})


class LastPages(unittest.TestCase):
    """What a record has to have of a meter."""

    def test_sums_are_over_all_parts(self):
        way = {"bytes": 5, "requests": 1, "packets": 2}
        meter = {"cpus": 2 * [{"run_nanoseconds": 3, "throttled_nanoseconds": 4}], "device_nanoseconds": 7,
                 "disks": [{"read": way, "written": way}], "networks": 3 * [{"received": way, "sent": way}],
                 "memory": {"resident_byte_seconds": 8, "resident_peak_bytes": 9},
                 "console": {"output_bytes": 10, "input_bytes": 1}}
        page = crashes.page(meter)
        self.assertEqual([page[key] for key in (
            "cpu_nanoseconds", "throttled_nanoseconds", "disk_writes", "network_sent_bytes", "network_received_packets",
            "device_nanoseconds", "resident_peak_bytes", "console_bytes")], [6, 8, 1, 15, 6, 7, 9, 11])


class Costs(unittest.TestCase):
    """What guests in the lab say of the time that their work took."""

    def test_ticks_are_of_the_guest_and_the_vmm_that_ran_it(self):
        runs = [(what, which, number) for number in range(cost.PAIRS) for what in cost.WORK for which in cost.KINDS]
        said = [f"{what}/{which}: burning on 1 processors\r\nwork=1 million turns from TSC 1000 to {2000 + number}\r\n"
                for what, which, number in runs]
        taken = cost.ticks("".join(said))
        self.assertEqual(taken, {(what, which): [1000 + number for number in range(cost.PAIRS)]
                                 for what in cost.WORK for which in cost.KINDS})
        with self.assertRaises(RuntimeError):
            cost.ticks("".join(said[1:]))

    def test_a_pair_is_of_the_same_turn(self):
        self.assertAlmostEqual(cost.paired([100, 200, 400], [101, 202, 404]).middle, 1.01)


class Screens(unittest.TestCase):
    """What is read off the screens of `rowhouse top`."""

    def test_figures_are_found_beside_sparklines(self):
        screen = """\
2 guests  cpu 34.0% of 200%  memory 208 MiB of 8.00 GiB  by cpu
NAME        STATE       CPU        MEMORY        DISK/s         NET/s      WAITS
guest0      running    1.1% ▁▁▁▁ 4.34 MiB ▁▁▁▁      0 B ▁▁▁▁      0 B ▁▁▁▁   99%
guest1      running   33.0%   ▁▂ 48.0 MiB   ▂▂ 10.0 MiB   ▇█ 0.98 KiB   ▇█    0%
"""
        self.assertEqual(top.figures(screen), {"guest0": (1.1, 0, 0), "guest1": (33.0, 10 << 20, 0.98 * 1024)})


if __name__ == "__main__":
    unittest.main()
