import Glibc
import Host
import Synchronization
import Testing

@testable import DiskImage

/// Who may use an image at the same time, among us and with QEMU's programs.
@Suite("Locks and formats")
struct LockTests {
  private let folder = Folder()

  private func image() throws {
    try ImageCreation(format: .qcow2, size: 1 << 20).make(at: folder("image"))
  }

  @Test func oneWriterOrManyReaders() throws {
    try image()
    func inUse(toWrite: Bool) -> ImageError { ImageError(folder("image"), .inUse(toWrite: toWrite)) }
    do {
      let writer = try patiently { try Disk(path: folder("image"), readOnly: false) }
      #expect(throws: inUse(toWrite: true)) { _ = try Disk(path: folder("image"), readOnly: false) }
      #expect(throws: inUse(toWrite: false)) { _ = try Disk(path: folder("image"), readOnly: true) }
      try writer.write([1], at: 0)
    }
    let readers = try (0..<3).map { _ in try patiently { try Disk(path: folder("image"), readOnly: true) } }
    #expect(throws: inUse(toWrite: true)) { _ = try Disk(path: folder("image"), readOnly: false) }
    #expect(readers.count == 3)
  }

  /// Two guests on one base, each with an overlay; a third may not write the base.
  @Test func overlaysShareTheirBase() throws {
    try image()
    try patiently { try ImageCreation(overlaying: "image").make(at: folder("one")) }
    try patiently { try ImageCreation(overlaying: "image").make(at: folder("two")) }
    let one = try patiently { try Disk(path: folder("one"), readOnly: false) }
    let two = try patiently { try Disk(path: folder("two"), readOnly: false) }
    #expect(throws: ImageError(folder("image"), .inUse(toWrite: true))) {
      _ = try Disk(path: folder("image"), readOnly: false)
    }
    try one.write([1], at: 0)
    #expect(try two.read(1, at: 0) == [0])
  }

  /// Two that open an overlay at the same time, which is not there yet.
  private final class Contest: Sendable {
    private let arrived = Atomic<Int>(0)
    private let done = Atomic<Int>(0)
    let refusals = Mutex<[ImageError.Reason]>([])

    func open(_ path: String, over base: String) {
      arrived.add(1, ordering: .relaxed)
      while arrived.load(ordering: .relaxed) < 2 {}
      do throws(ImageError) {
        let disk = try Disk(overlay: path, over: base, format: nil, isDirect: false)
        done.add(1, ordering: .relaxed)
        while done.load(ordering: .relaxed) < 2 { usleep(1000) }
        withExtendedLifetime(disk) {}
      } catch {
        refusals.withLock { $0.append(error.reason) }
        done.add(1, ordering: .relaxed)
      }
    }
  }

  /// One of them gets it, and the other hears why not.
  @Test func oneOfTwoGetsAnOverlay() throws {
    try image()
    for round in 0..<8 {
      let contest = Contest()
      let (path, base) = (folder("over-\(round)"), folder("image"))
      let threads = try (0..<2).map { _ in try Thread(named: "opener") { contest.open(path, over: base) } }
      for thread in threads { thread.join() }
      #expect(contest.refusals.withLock { $0 } == [.inUse(toWrite: true)])
    }
  }

  @Test func qemuSeesOurLocks() throws {
    try image()
    do {
      let writer = try patiently { try Disk(path: folder("image"), readOnly: false) }
      #expect(run("qemu-io", "-c", "write 0 512", folder("image")).output.contains("lock"))
      #expect(run("qemu-io", "-r", "-c", "read 0 512", folder("image")).output.contains("lock"))
      try writer.flush()
    }
    let reader = try patiently { try Disk(path: folder("image"), readOnly: true) }
    #expect(run("qemu-io", "-c", "write 0 512", folder("image")).output.contains("lock"))
    #expect(run("qemu-io", "-r", "-c", "read 0 512", folder("image")).output.contains("read 512/512"))
    #expect(try reader.read(1, at: 0) == [0])
  }

  @Test func weSeeQemusLocks() throws {
    try image()
    /// What opening says while qemu-io has the image open: it says when it has, and stays until its input
    /// ends.
    func refusal(qemu flags: String, readOnly: Bool) -> ImageError.Reason? {
      run("sh", "-c", """
        cd \(folder.path) && rm -f ready
        (echo read 0 512; exec sleep 2) | stdbuf -oL qemu-io \(flags) image > ready &
        until grep -q 'read 512' ready; do sleep 0.01; done
        """)
      do {
        _ = try Disk(path: folder("image"), readOnly: readOnly)
        return nil
      } catch { return error.reason }
    }
    #expect(refusal(qemu: "", readOnly: false) == .inUse(toWrite: true))
    usleep(2_200_000)
    #expect(refusal(qemu: "-r", readOnly: true) == nil)
    #expect(refusal(qemu: "-r", readOnly: false) == .inUse(toWrite: true))
  }

  @Test func formatsAreNotMadeUpByGuests() throws {
    try ImageCreation(format: .raw, size: 1 << 20).make(at: folder("raw"))
    let header = Array("QFI".utf8) + [0xfb] + [UInt8](repeating: 0, count: 508)
    do {
      let guessed = try patiently { try Disk(path: folder("raw"), readOnly: false) }
      #expect(throws: ImageError(folder("raw"), .wouldChangeFormat)) { try guessed.write(header, at: 0) }
      try guessed.write(Array(header[..<3]), at: 0)
      #expect(throws: ImageError(folder("raw"), .wouldChangeFormat)) { try guessed.write([0xfb], at: 3) }
      try guessed.write(header, at: 512)
    }
    let named = try patiently { try Disk(path: folder("raw"), format: .raw, readOnly: false) }
    try named.write(header, at: 0)
    #expect(try named.read(512, at: 0) == header)
  }

  /// A guest with a second CPU changes its memory after the check.
  @Test func whatIsWrittenIsWhatWasChecked() throws {
    try ImageCreation(format: .raw, size: 1 << 20).make(at: folder("raw"))
    let disk = try patiently { try Disk(path: folder("raw"), readOnly: false) }
    var memory = [UInt8](repeating: 1, count: 1024)
    // SAFETY: the segments are of the array's memory, used within the closure only.
    try unsafe memory.withUnsafeMutableBytes { memory in
      var (segments, offset) = unsafe (Segments(memory), 0 as UInt64)
      while case .transfer(let transfer) = try disk.nextWrite(&segments, at: &offset) {
        unsafe memory.copyBytes(from: Array("QFI".utf8) + [0xfb])
        try transfer.write(segments)
        try disk.complete(transfer)
        segments.skip(transfer.count)
        offset += UInt64(transfer.count)
      }
    }
    #expect(try disk.read(1024, at: 0) == [UInt8](repeating: 1, count: 1024))
  }

  @Test func creationLeavesNothingWhenItFails() throws {
    func refusal(_ creation: ImageCreation, _ name: String) -> ImageError.Reason? {
      do {
        try creation.make(at: folder(name))
        return nil
      } catch { return error.reason }
    }
    #expect(refusal(ImageCreation(format: .raw, size: 1000), "odd") == .oddSize(1000))
    #expect(refusal(ImageCreation(format: .qcow2, size: 1000), "odd") == .oddSize(1000))
    #expect(refusal(ImageCreation(format: .qcow2), "none")?.description.contains("no size") == true)
    #expect(refusal(ImageCreation(overlaying: "missing"), "over") == .host(.init("open", .noSuchFile)))
    #expect(refusal(ImageCreation(format: .qcow2, size: 1 << 20), "no/folder") == .host(.init("open", .noSuchFile)))
    var small = ImageCreation(format: .qcow2, size: 1 << 20)
    small.clusterSize = 1000
    #expect(refusal(small, "clusters")?.description.contains("1000 bytes") == true)
    #expect(run("ls", folder.path).output == "")
    try image()
    let before = try bytes(of: folder("image"))
    #expect(refusal(ImageCreation(format: .raw, size: 512), "image") == .host(.init("open", .exists)))
    #expect(try bytes(of: folder("image")) == before)
  }

  @Test func info() throws {
    try image()
    try patiently { try ImageCreation(overlaying: "image").make(at: folder("over")) }
    let info = try patiently { try ImageInfo(path: folder("over")) }
    #expect(info.format == .qcow2 && info.size == 1 << 20 && info.allocated < 1 << 20)
    let qcow2 = try #require(info.qcow2)
    #expect(qcow2.version == 3 && qcow2.clusterSize == 64 << 10 && qcow2.refcountBits == 16 && qcow2.snapshots == 0)
    #expect(qcow2.backing == "image" && qcow2.backingPath == folder("image") && qcow2.backingFormat == "qcow2")
    let (status, output) = run("qemu-img", "info", folder("over"))
    #expect(status == 0 && output.contains("backing file format: qcow2"), "\(output)")
  }
}
