import CLinux
import DiskImage
import Glibc
import Host
import Synchronization
import Virtio

func fuzzEntropy(_ input: inout FuzzInput) {
  guard let guest = try? FuzzGuest(Entropy()) else { return }
  guest.play(&input)
}

func fuzzBalloon(_ input: inout FuzzInput) {
  guard let control = try? BalloonControl(), let guest = try? FuzzGuest(Balloon(control)) else { return }
  guest.play(&input) { input in
    guard input.byte() & 1 != 0 else {
      _ = control.requestStatistics()
      return
    }
    control.targetPages = input.integer()
    guest.transport.configurationChanged()
  }
}

/// Over a raw disk of 64 sectors, which may be read-only: then nothing changes it.
func fuzzBlock(_ input: inout FuzzInput) {
  let isReadOnly = input.byte() & 1 != 0
  let bytes = [UInt8](repeating: 0x5a, count: 64 << 9)
  guard let file = try? Host.Descriptor.memory(named: "fuzz") else { return }
  // SAFETY: the array is only borrowed.
  guard (try? unsafe bytes.withUnsafeBytes({ unsafe try file.writeAll($0, at: 0) })) != nil,
    let disk = try? Disk(path: "/proc/self/fd/\(file.number)", format: .raw, readOnly: isReadOnly),
    let guest = try? FuzzGuest(
      Block(SynchronousBlockExecutor(DiskBackend(disk, serial: Array("fuzz".utf8)) { _ in })))
  else { return }
  guest.play(&input)
  let status = try? file.status()
  precondition(status?.size == UInt64(bytes.count), "the disk has another size")
  if isReadOnly {
    precondition(identical(bytes, try? file.read(count: bytes.count, at: 0)), "a read-only disk was written")
  }
}

/// With a peer at the other end of a socket whose stream is as hostile as the driver.
func fuzzNetwork(_ input: inout FuzzInput) {
  let path = "/tmp/rowhouse-fuzz-net-\(getpid())"
  // SAFETY: the string lives through all three calls.
  defer { unsafe _ = unlink(path) }
  unsafe unlink(path)
  let listening = unsafe linux_listen(path)
  guard listening >= 0 else { return }
  let listener = Host.Descriptor(owning: listening)
  guard let backend = try? SocketBackend(at: path) else { return }
  let accepted = linux_accept(listener.number)
  guard accepted >= 0 else { return }
  let peer = Host.Descriptor(owning: accepted)
  guard let guest = try? FuzzGuest(Network(backend, mac: [2, 0, 0, 0, 0, 1], mtu: 1400)) else { return }
  guest.play(&input) { input in
    let isFramed = input.byte() & 1 == 0
    var bytes = input.some(64)
    if isFramed { bytes = [0, 0, 0, UInt8(bytes.count)] + bytes }
    // SAFETY: the array is only borrowed.
    _ = unsafe bytes.withUnsafeBytes { unsafe try? peer.sendWithoutWaiting($0) }
  }
}

/// With a host that takes now more, now less, and types.
func fuzzConsole(_ input: inout FuzzInput) {
  let host = MoodyHost()
  guard let line = try? ConsoleLine(host), let guest = try? FuzzGuest(Console(line, settlingTime: 0)) else { return }
  var offered = 0
  var taken = 0
  guest.play(&input) { input in
    switch input.below(4) {
    case 0:
      host.setRoom(Int(input.byte()) << 4)
      line.transmitterHasRoom()
    case 1: line.size = TerminalSize(columns: input.integer(), rows: input.integer())
    default:
      let bytes = input.some(64)
      offered += bytes.count
      taken += line.receive(bytes.span)
    }
  }
  precondition((0...offered).contains(taken), "more was taken than offered")
}

private final class MoodyHost: ConsolePeer {
  private let room = Mutex(64)
  let patience: UInt64 = 1_000_000

  func setRoom(_ bytes: Int) { room.withLock { $0 = bytes } }

  func transmit(_ bytes: Span<UInt8>) -> Int {
    room.withLock { room in
      let count = min(bytes.count, room)
      room -= count
      return count
    }
  }

  func transmitAtOnce(_ byte: UInt8) {}
  func receiverHasRoom() {}
}
