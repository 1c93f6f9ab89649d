import Boot
import Foundation
import GuestMemory
import MadeUpImages
import Testing

/// A file that lives as long as this value.
final class TemporaryFile {
  let path: String

  init(_ bytes: [UInt8], named name: String = "image") throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("boot-tests-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    path = folder.appendingPathComponent(name).path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  deinit {
    try? FileManager.default.removeItem(at: URL(fileURLWithPath: path).deletingLastPathComponent())
  }
}

/// An open image file; its file is gone from the file system already.
func image(_ bytes: [UInt8], named name: String = "image") throws -> ImageFile {
  let file = try TemporaryFile(bytes, named: name)
  return try withExtendedLifetime(file) { try ImageFile(path: file.path) }
}

/// A kernel that was loaded: its entry and the memory that it finds.
struct Loaded {
  let entry: EntryState
  let memory: GuestMemory

  init(_ request: BootRequest, memory bytes: UInt64 = 64 << 20) throws {
    memory = try GuestMemory(bytes: bytes)
    entry = try load(request, into: memory, platform: .test())
  }

  func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ address: UInt64, as: Value.Type = Value.self
  ) throws -> Value {
    try memory.load(GuestAddress(address))
  }

  func bytes(_ address: UInt64, _ count: Int) throws -> [UInt8] {
    try memory.read(GuestAddress(address), count: count)
  }

  func text(_ address: UInt64) throws -> String {
    String(decoding: try bytes(address, 256).prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Expects that booting the kernel fails for a reason that `isExpected` knows, and that the message is one line that
/// begins with the kernel's path or an option.
func expectRefusal(
  _ request: BootRequest, memory: UInt64 = 64 << 20, location: SourceLocation = #_sourceLocation,
  _ isExpected: (BootError.Reason) -> Bool
) {
  do {
    _ = try Loaded(request, memory: memory)
    Issue.record("the kernel was accepted", sourceLocation: location)
  } catch let error as BootError {
    #expect(isExpected(error.reason), "\(error)", sourceLocation: location)
    #expect(!error.description.contains("\n"), sourceLocation: location)
    #expect(error.description.hasPrefix(error.subject + ": "), sourceLocation: location)
  } catch {
    Issue.record(error, sourceLocation: location)
  }
}

/// SplitMix64: random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}
