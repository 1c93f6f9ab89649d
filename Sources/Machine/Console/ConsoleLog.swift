import Host

/// All that a guest says, in two files of its folder: `console.log`, and in `console.log.1` what was said before that
/// was full.
///
/// The guest's life does not hang on it. What the disk does not take goes nowhere, is counted by the caller, and is
/// spoken of once, and once more when the disk takes something again; it is asked every second.
final class ConsoleLog {
  private let folder: OpenFolder
  private let fileBytes: UInt64
  private var file: SharedDescriptor
  /// Of the current file.
  private var written: UInt64 = 0

  /// A time in which the disk takes nothing.
  private struct Outage {
    var lost: UInt64 = 0
    /// When the disk is asked again.
    var retry = Instant.now.advanced(byNanoseconds: 1_000_000_000)
  }
  private var outage: Outage?

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
    if let outage, Instant.now < outage.retry { return lose(bytes.count, outage) }
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
      if outage == nil { StandardError.say("console.log: \(error.errno): what the guest says is not kept") }
      return lose(rest.count, Outage(lost: outage?.lost ?? 0))
    }
    if let outage, !bytes.isEmpty {
      StandardError.say("console.log goes on; \(outage.lost) bytes are not in it")
      self.outage = nil
    }
    return 0
  }

  private func lose(_ count: Int, _ outage: Outage) -> Int {
    self.outage = Outage(lost: outage.lost + UInt64(count), retry: outage.retry)
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
    do throws(SystemCallError) {
      try Folder.rename(folder.path(of: .log), to: folder.path(of: .olderLog))
    } catch where error.errno == .noSuchFile {
      // It has that name already, and no new one could be made then; or somebody has removed it.
    }
    file = try Self.open(folder)
    written = 0
  }
}
