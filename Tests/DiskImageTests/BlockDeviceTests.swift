import Glibc
import Host
import Testing

@testable import DiskImage

/// A block device whose blocks are a file's (loop(4)).
private final class LoopDevice {
  let path: String
  let file: String
  private let folder = Folder()

  init(bytes: Int) throws {
    file = folder("blocks")
    try Descriptor.open(file, [.readWrite, .create]).allocate(count: UInt64(bytes))
    let (status, output) = run("losetup", "--find", "--show", file)
    guard status == 0 else { throw ToolFailed(description: "losetup: \(output)") }
    path = String(output.prefix { $0 != "\n" })
  }

  deinit { run("losetup", "--detach", path) }

  /// Bytes that the file's blocks take on the host.
  var allocated: UInt64 { get throws { try FileIdentity(of: Descriptor.open(file, .readOnly)).allocated } }

  /// Making one takes root, and a kernel that has them.
  static let isPossible = (try? LoopDevice(bytes: 1 << 20)) != nil
}

/// Disks on block devices, which are raw images that others make, and that do not grow.
@Suite(
  "Block devices",
  .enabled(
    if: LoopDevice.isPossible,
    "BLOCK DEVICES WERE NOT TESTED: that takes a loop device, which takes root; run the tests as root for that"))
struct BlockDeviceTests {
  private static let bytes = 8 << 20
  private let device: LoopDevice

  init() throws { device = try LoopDevice(bytes: Self.bytes) }

  @Test func isAsLargeAsItsDevice() throws {
    let size = try #require(UInt64(run("blockdev", "--getsize64", device.path).output.prefix { $0 != "\n" }))
    #expect(size == UInt64(Self.bytes))
    #expect(try Disk(path: device.path, format: .raw, readOnly: true).size == size)
    #expect(try ImageInfo(path: device.path).size == size)
  }

  /// What was flushed is in the blocks.
  @Test(arguments: [false, true]) func keepsWhatIsWritten(isDirect: Bool) throws {
    let disk = try Disk(path: device.path, format: .raw, readOnly: false, isDirect: isDirect)
    let bytes = (0..<8192).map { UInt8(truncatingIfNeeded: $0 / 512 &+ $0 &* 7) }
    try disk.write(bytes, at: 1 << 20)
    try disk.write(bytes, at: Self.bytes - 8192)
    try disk.flush()
    #expect(try disk.read(8192, at: 1 << 20) == bytes)
    let blocks = try Descriptor.open(device.file, .readOnly)
    #expect(try blocks.read(count: 8192, at: 1 << 20) == bytes)
    #expect(try blocks.read(count: 8192, at: UInt64(Self.bytes - 8192)) == bytes)
    #expect(throws: ImageError.self, "it does not grow") { try disk.write([1], at: Self.bytes) }
  }

  /// What is given up reads as zeros, and the blocks go back to whoever has them.
  @Test(arguments: [false, true]) func givesBlocksBack(isDiscard: Bool) throws {
    let disk = try Disk(path: device.path, format: .raw, readOnly: false)
    try disk.write([UInt8](repeating: 7, count: 4 << 20), at: 0)
    try disk.flush()
    let before = try device.allocated
    if isDiscard {
      try disk.discard(at: 1 << 20, count: 2 << 20)
    } else {
      try disk.zero(at: 1 << 20, count: 2 << 20, keepingRoom: false)
    }
    try disk.flush()
    #expect(try device.allocated + (2 << 20) <= before, "two MiB of \(before) bytes")
    #expect(try disk.read(2 << 20, at: 1 << 20) == [UInt8](repeating: 0, count: 2 << 20))
    #expect(try disk.read(512, at: 1 << 20 - 512) == [UInt8](repeating: 7, count: 512))
    #expect(try disk.read(512, at: 3 << 20) == [UInt8](repeating: 7, count: 512))
  }

  @Test func zerosKeepTheirRoom() throws {
    let disk = try Disk(path: device.path, format: .raw, readOnly: false)
    try disk.write([UInt8](repeating: 7, count: 1 << 20), at: 0)
    try disk.zero(at: 0x1000, count: 0x1000, keepingRoom: true)
    #expect(try disk.read(0x1000, at: 0x1000) == [UInt8](repeating: 0, count: 0x1000))
    #expect(try disk.read(512, at: 0x2000) == [UInt8](repeating: 7, count: 512))
  }

  @Test func hasOneWriterOrManyReaders() throws {
    do {
      let writer = try Disk(path: device.path, format: .raw, readOnly: false)
      for readOnly in [false, true] {
        #expect(throws: ImageError(device.path, .inUse(toWrite: !readOnly))) {
          _ = try Disk(path: device.path, format: .raw, readOnly: readOnly)
        }
      }
      #expect(!writer.isReadOnly)
    }
    let readers = try (0..<2).map { _ in try patiently { try Disk(path: device.path, format: .raw, readOnly: true) } }
    #expect(throws: ImageError(device.path, .inUse(toWrite: true))) {
      _ = try Disk(path: device.path, format: .raw, readOnly: false)
    }
    #expect(readers.count == 2)
  }

  /// A file for the changes, and the device as it was.
  @Test func isTheBaseOfAnOverlay() throws {
    let folder = Folder()
    do {
      let disk = try Disk(path: device.path, format: .raw, readOnly: false)
      try disk.write([UInt8](repeating: 7, count: 4096), at: 0)
      try disk.flush()
    }
    let overlay = try patiently { try Disk(overlay: folder("over"), over: device.path, format: .raw, isDirect: false) }
    #expect(overlay.size == UInt64(Self.bytes))
    try overlay.write([UInt8](repeating: 8, count: 512), at: 512)
    #expect(try overlay.read(1024, at: 0) == [UInt8](repeating: 7, count: 512) + [UInt8](repeating: 8, count: 512))
    #expect(try Descriptor.open(device.path, .readOnly).read(count: 512, at: 512) == [UInt8](repeating: 7, count: 512))
  }
}
