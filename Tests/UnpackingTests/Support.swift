import Boot
import Foundation
import MadeUpImages
import Testing

/// A folder for a test's files, removed with its end.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory.path + "/rowhouse-unpacking-" + UUID().uuidString

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and returns its path.
  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = path + "/" + name
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  /// What a filter of the shell makes of bytes.
  func piping(_ bytes: [UInt8], through filter: String) throws -> [UInt8] {
    let input = try file("input", bytes)
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "set -e; \(filter) < '\(input)' > '\(path)/output'"]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    return [UInt8](try Data(contentsOf: URL(filePath: path + "/output")))
  }
}

/// A program that compresses as Linux's build does (scripts/Makefile.lib), and whether the build then appends the size.
struct Packer: CustomTestStringConvertible {
  let command: String
  let appendsSize: Bool

  static let all = [
    Packer(command: "gzip -n -f -9", appendsSize: false),
    Packer(command: "xz --check=crc32 --x86 --lzma2=,dict=32MiB", appendsSize: true),
    Packer(command: "zstd -q -19", appendsSize: true),
    Packer(command: "lz4 -q -l -9 - -", appendsSize: true),
  ]

  var testDescription: String { command }

  /// The payload of a bzImage.
  func payload(_ kernel: [UInt8], _ folder: TemporaryFolder) throws -> [UInt8] {
    var payload = try folder.piping(kernel, through: command)
    if appendsSize { payload.append(little: UInt32(kernel.count)) }
    return payload
  }
}

/// An ELF kernel with so many bytes that compress somewhat.
func kernel(bytes count: Int = 300_000, is64Bit: Bool = true) -> [UInt8] {
  var state: UInt32 = 1
  let piece = (0..<100_000).map { index in
    state = state &* 1_664_525 &+ 1_013_904_223
    return index & 64 == 0 ? UInt8(truncatingIfNeeded: state >> 24) : UInt8(truncatingIfNeeded: index >> 8)
  }
  var bytes: [UInt8] = []
  while bytes.count < count { bytes += [UInt8(truncatingIfNeeded: bytes.count / piece.count)] + piece }
  bytes.removeLast(bytes.count - count)
  return elf(is64Bit: is64Bit, entry: 0x100_0000, [Segment(address: 0x100_0000, bytes: bytes)])
}
