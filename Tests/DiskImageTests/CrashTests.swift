import Host
import Testing

@testable import DiskImage

/// What is left of an image when writing stops: after any change of the file when the process is killed, and
/// with any part of what was not synced when the host loses power.
@Suite("Crashes")
struct CrashTests {
  private let folder = Folder()

  /// All that happened to a file, and what the disk held after each request.
  private struct Recording {
    var start: [UInt8] = []
    var changes: [DiskFile.Change] = []
    /// After each request: how many changes there had been, what the disk held then, and whether it was a
    /// flush.
    var states: [(changes: Int, bytes: [UInt8], isFlush: Bool)] = []
  }

  private final class Journal {
    var changes: [DiskFile.Change] = []
  }

  private func record(_ base: [UInt8], seed: UInt64, requests: Int, largest: Int) throws -> Recording {
    var recording = Recording()
    recording.start = try bytes(of: folder("image"))
    let disk = try patiently { try Disk(path: folder("image"), readOnly: false) }
    let journal = Journal()
    disk.layers[0].file.journal = { journal.changes.append($0) }
    var model = Model(seed: seed, size: Int(disk.size), over: base)
    recording.states = [(0, model.bytes, true)]
    for _ in 0..<requests {
      let request = model.next(largest: largest)
      try model.apply(request, to: disk)
      let isFlush = if case .flush = request { true } else { false }
      recording.states.append((journal.changes.count, model.bytes, isFlush))
    }
    recording.changes = journal.changes
    return recording
  }

  /// Does one recorded change to bytes that stand for the file.
  private func apply(_ change: DiskFile.Change, to file: inout [UInt8]) {
    switch change {
    case .write(let offset, let bytes):
      let (start, end) = (Int(offset), Int(offset) + bytes.count)
      if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
      file.replaceSubrange(start..<end, with: bytes)
    case .hole(let offset, let count):
      let (start, end) = (min(file.count, Int(offset)), min(file.count, Int(offset + count)))
      file.replaceSubrange(start..<end, with: [UInt8](repeating: 0, count: end - start))
    case .sync: break
    }
  }

  /// Makes sure that an image which was left after so many changes is whole, and holds for each sector what
  /// it held at the last answered flush or since.
  private func judge(
    _ left: [UInt8], after count: Int, of recording: Recording, contents: Bool, qemu: Bool, _ how: String
  ) throws {
    if qemu {
      try makeFile(folder("left"), left)
      if let errors = qemuErrors(folder("left")) { Issue.record("\(how) \(count): \(errors)") }
    }
    let memory = try Descriptor.memory(named: "left")
    // SAFETY: the array is alive for the call.
    try unsafe left.withUnsafeBytes { unsafe try memory.writeAll($0, at: 0) }
    let file = try DiskFile(memory, path: folder("image"), writable: false)
    let report = try Qcow2Check(try Qcow2Header(of: file), file).run()
    try #require(report.errors == [], "\(how) \(count)")
    guard contents else { return }

    let now = try Disk(file, format: .qcow2).contents()
    let done = recording.states.lastIndex { $0.changes <= count } ?? 0
    let flushed = recording.states[...done].lastIndex { $0.isFlush } ?? 0
    let last = min(done + 1, recording.states.count - 1)
    for sector in stride(from: 0, to: now.count, by: 512) {
      let bytes = now[sector..<sector + 512]
      guard recording.states[flushed...last].contains(where: { $0.bytes[sector..<sector + 512] == bytes }) else {
        Issue.record("\(how) \(count): the sector at \(sector) holds what it did not since the last flush")
        return
      }
    }
  }

  private func sweep(_ recording: Recording, seed: UInt64) throws {
    var chance = Chance(state: seed)
    var file = recording.start
    // What is surely on the disk, and what may be.
    var synced = file
    var unsynced: [DiskFile.Change] = []
    let stride = max(1, recording.changes.count / 12)
    for (index, change) in recording.changes.enumerated() {
      apply(change, to: &file)
      if case .sync = change {
        synced = file
        unsynced = []
      } else {
        unsynced.append(change)
      }
      let now = index + 1
      try judge(
        file, after: now, of: recording, contents: now % 5 == 0, qemu: now % stride == 0, "killed after change")
      if now % 3 == 0, !unsynced.isEmpty {
        var partial = synced
        for change in unsynced where chance.below(2) == 0 { apply(change, to: &partial) }
        try judge(partial, after: now, of: recording, contents: now % 2 == 0, qemu: false, "powered off after change")
      }
    }
  }

  @Test(arguments: [512, 4096] as [UInt64])
  func overlay(clusterSize: UInt64) throws {
    let base = pattern(128 << 10, seed: 20)
    try makeFile(folder("base"), base)
    var creation = ImageCreation(overlaying: "base", format: .raw)
    creation.clusterSize = clusterSize
    try creation.make(at: folder("image"))
    try sweep(try record(base, seed: clusterSize, requests: 70, largest: 32 << 10), seed: 21)
  }

  @Test func snapshot() throws {
    let base = pattern(128 << 10, seed: 22)
    try makeFile(folder("base"), base)
    try tool(
      "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=1k", folder("base"), folder("image"))
    try tool("qemu-img", "snapshot", "-c", "before", folder("image"))
    try sweep(try record(base, seed: 23, requests: 60, largest: 32 << 10), seed: 24)
  }

  @Test func compressed() throws {
    let base = pattern(128 << 10, seed: 25)
    try makeFile(folder("base"), base)
    try tool(
      "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=4k", folder("base"),
      folder("image"))
    try sweep(try record(base, seed: 26, requests: 60, largest: 32 << 10), seed: 27)
  }

  /// With counts of 64 bits and clusters of 512 bytes the refcount table moves after 2 MiB.
  @Test func growingRefcountTable() throws {
    try tool(
      "qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512,refcount_bits=64", folder("image"), "4M")
    let fill = [UInt8](repeating: 5, count: 1900 << 10)
    do {
      let disk = try patiently { try Disk(path: folder("image"), readOnly: false) }
      try disk.write(fill, at: 0)
      try disk.flush()
    }
    let recording = try record(fill, seed: 28, requests: 12, largest: 512 << 10)
    let headerField = Qcow2Header.refcountTableField
    #expect(recording.changes.contains { if case .write(headerField, _) = $0 { true } else { false } })
    var short = recording
    // The contents of so large a disk are compared elsewhere: here it is the tables that matter.
    short.states = [(0, [], true)]
    var file = recording.start
    for (index, change) in recording.changes.enumerated() {
      apply(change, to: &file)
      guard index % 4 == 0 else { continue }
      try judge(file, after: index, of: short, contents: false, qemu: index % 100 == 0, "killed after change")
    }
  }
}
