"""The other end of a guest's network cable: a program that counts for itself what goes through it."""

import dataclasses
import select
import socket
import struct
import time

# In front of each frame, its length (`--net socket=`, as passt has it).
LENGTH_BYTES = 4
ARP_BYTES = 60


@dataclasses.dataclass
class Look:
    """What had gone by at a moment, in bytes and frames; of a frame that is under way, its part."""

    nanoseconds: int
    received: dict[str, float]
    sent: dict[str, float]


class FarEnd:
    """Listens at a path, where a guest's card finds it. All frames but the first that comes have one size."""

    def __init__(self, path: str, frame_bytes: int):
        self.frame_bytes = frame_bytes
        # To an address of the guest's network that nobody has: the guest may do with it what it likes.
        self.record = struct.pack(">I", frame_bytes) + b"\x02" + bytes(frame_bytes - 1)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.socket = None
        self.room = bytearray(1 << 20)
        # With each frame's length, but without the question for an address and its answer.
        self.received_bytes, self.sent_bytes = 0, 0
        self.questions = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        if self.socket:
            self.socket.close()

    def meet(self, answers: bool):
        """Waits for the guest's card, and answers its question for this end's address."""
        self.listener.settimeout(30)
        self.socket, _ = self.listener.accept()
        # As much as keeps the guest busy while this program waits for its turn, and not much more: what waits in here is
        # sent and not there yet. Of small frames the kernel has room for some forty.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, max(8 * len(self.record), 16384))
        if answers:
            self.socket.settimeout(30)
            question = self.socket.recv(LENGTH_BYTES + ARP_BYTES, socket.MSG_WAITALL)[LENGTH_BYTES:]
            # RFC 826: who asked is the target, and who was asked for is the sender.
            own, sender, target = b"\x02\0\0\0\0\x01", question[22:32], question[38:42]
            reply = sender[:6] + own + question[12:20] + b"\0\x02" + own + target + sender
            self.socket.sendall(struct.pack(">I", ARP_BYTES) + reply.ljust(ARP_BYTES, b"\0"))
            self.questions = 1
        self.socket.setblocking(False)

    def await_frame(self):
        """Waits until the guest, which makes a large frame byte by byte, has begun to send."""
        limit = time.monotonic() + 60
        while self.received_bytes == 0:
            if time.monotonic() > limit:
                raise RuntimeError("the guest sends nothing")
            self.exchange(0.01, sends=False)

    def exchange(self, seconds: float, sends: bool, patience: float = 1) -> Look:
        """Takes what comes and, if it `sends`, sends as much as goes, until something has moved after so long.

        So a look is always at an instant at which something has just moved, and two have no part of a step between them.

        patience: for how many seconds more nothing may move, until there is a look all the same.
        """
        end = time.monotonic_ns() + int(seconds * 1e9)
        limit = end + int(patience * 1e9)
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | (select.POLLOUT if sends else 0))
        while True:
            events = poll.poll(50)
            if any(event & select.POLLIN for _, event in events):
                self.receive()
            if any(event & select.POLLOUT for _, event in events):
                self.send()
            now = time.monotonic_ns()
            if now >= (end if events else limit):
                return Look(now, self.counts(self.received_bytes), self.counts(self.sent_bytes))

    def receive(self):
        try:
            self.received_bytes += self.socket.recv_into(self.room)
        except BlockingIOError:
            pass

    def send(self):
        # Not for ever: what comes has its turn.
        for _ in range(64):
            try:
                self.sent_bytes += self.socket.send(memoryview(self.record)[self.sent_bytes % len(self.record):])
            except BlockingIOError:
                return

    def finish(self):
        """Sends what is left of a frame that has begun."""
        self.socket.setblocking(True)
        if part := self.sent_bytes % len(self.record):
            self.socket.sendall(self.record[part:])
            self.sent_bytes += len(self.record) - part
        self.socket.setblocking(False)

    def counts(self, stream_bytes: int) -> dict[str, float]:
        frames = stream_bytes / len(self.record)
        return {"packets": frames, "bytes": frames * self.frame_bytes}

    def totals(self, stream_bytes: int) -> dict[str, float]:
        """What a meter has to say of it: with the question for an address, or the answer."""
        counts = self.counts(stream_bytes)
        return {"packets": counts["packets"] + self.questions, "bytes": counts["bytes"] + self.questions * ARP_BYTES}
