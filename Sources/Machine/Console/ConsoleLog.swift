import Host

/// All that a guest says, in two files of its folder: `console.log`, and in `console.log.1` what was said before that was
/// full.
///
/// The guest's life does not hang on it. What the disk does not take goes nowhere, is counted by the caller, and is spoken
/// of once; a second later the disk is asked again.
final class ConsoleLog {
  private let folder: OpenFolder
  private let fileBytes: UInt64
  private var file: SharedDescriptor
  /// Of the current file.
  private var written: UInt64 = 0
  private var lost: UInt64 = 0
  private var hasSaidLost = false
  /// While the disk takes nothing: when it is asked again.
  private var retry: Instant?
  private static let retryInterval: UInt64 = 1_000_000_000

  /// - Parameter fileBytes: the size of a file, above 0. There are two.
  init(in folder: OpenFolder, fileBytes: UInt64) throws(SystemCallError) {
    self.folder = folder
    self.fileBytes = fileBytes
    file = try Self.open(folder)
  }

  private static func open(_ folder: OpenFolder) throws(SystemCallError) -> SharedDescriptor {
    SharedDescriptor(try .open(folder.path(of: .log), [.writeOnly, .create, .truncate], permissions: 0o600))
  }

  /// - Returns: how many of the bytes went nowhere.
  func write(_ bytes: [UInt8]) -> Int {
    if let retry, Instant.now < retry { return lose(bytes.count) }
    var rest = bytes[...]
    do throws(SystemCallError) {
      while !rest.isEmpty {
        if written >= fileBytes { try startNewFile() }
        let piece = rest.prefix(Int(clamping: fileBytes - written))
        let count = try write(piece)
        written += UInt64(count)
        rest = rest.dropFirst(count)
      }
    } catch {
      retry = .now.advanced(byNanoseconds: Self.retryInterval)
      if !hasSaidLost { StandardError.say("console.log: \(error.errno): what the guest says is not kept") }
      hasSaidLost = true
      return lose(rest.count)
    }
    if retry != nil, !bytes.isEmpty { StandardError.say("console.log goes on; \(lost) bytes are not in it") }
    retry = nil
    return 0
  }

  private func lose(_ count: Int) -> Int {
    lost += UInt64(count)
    return count
  }

  private func write(_ piece: ArraySlice<UInt8>) throws(SystemCallError) -> Int {
    do throws(SystemCallError) {
      // SAFETY: the slice's own memory, for the call.
      return unsafe try piece.withUnsafeBufferPointer { bytes throws(SystemCallError) in
        unsafe try file.descriptor.write(UnsafeRawBufferPointer(bytes))
      }
    } catch where error.errno == .interrupted {
      return 0
    }
  }

  private func startNewFile() throws(SystemCallError) {
    try Folder.rename(folder.path(of: .log), to: folder.path(of: .olderLog))
    file = try Self.open(folder)
    written = 0
  }
}
