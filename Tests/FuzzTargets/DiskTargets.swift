import DiskImage
import Host
import Metering
import Virtio

/// A disk by io_uring on a qcow2 image, whose tables change while many requests are under way. Whatever the driver does,
/// the image does not contradict itself afterwards. Once the kernel does all writes, once the device does what it may
/// do at once.
func fuzzRing(_ input: inout FuzzInput) {
  var again = input
  playRing(&input, promptWrites: nil)
  playRing(&again, promptWrites: PromptWrites())
}

private func playRing(_ input: inout FuzzInput, promptWrites: PromptWrites?) {
  guard let file = try? Host.Descriptor.memory(named: "fuzz") else { return }
  // SAFETY: the array is only borrowed.
  guard (try? unsafe soundQcow2.withUnsafeBytes({ unsafe try file.writeAll($0, at: 0) })) != nil else { return }
  let path = "/proc/self/fd/\(file.number)"
  do {
    guard let disk = try? Disk(path: path, format: .qcow2, readOnly: false) else { fatalError("a sound image is refused") }
    let backend = DiskBackend(disk, serial: []) { _ in }
    guard let executor = try? RingBlockExecutor(backend, promptWrites: promptWrites) else {
      fatalError("this host has no io_uring, or does not allow it: leave out the target 'ring'")
    }
    guard let guest = try? FuzzGuest(Block(executor)) else { return }
    guest.play(&input)
  }
  guard let report = try? CheckReport(checking: path) else { fatalError("the image is none any more") }
  precondition(report.errors.isEmpty, "the image contradicts itself: \(report.errors)")
}

/// A disk and its limits, which change at any time.
func fuzzLimits(_ input: inout FuzzInput) {
  guard let file = try? Host.Descriptor.memory(named: "fuzz"), (try? file.truncate(to: 64 << 9)) != nil,
    let disk = try? Disk(path: "/proc/self/fd/\(file.number)", format: .raw, readOnly: false)
  else { return }
  let limiter = RateLimiter(RateLimits(), at: .now)
  let executor = SynchronousBlockExecutor(DiskBackend(disk, serial: []) { _ in })
  guard let guest = try? FuzzGuest(Block(executor, limiter: limiter)) else { return }
  guest.play(&input) { input in
    // As `rowhouse set` does it: from next to nothing to more than there is, and no limit at all.
    let value = UInt64(1) << UInt64(input.byte() & 63)
    limiter.set(input.one(of: RateLimits.Item.all), to: input.byte() & 7 == 0 ? nil : value, at: .now)
    guest.transport.lookAgain()
  }
}
