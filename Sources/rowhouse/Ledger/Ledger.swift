import Control
import FoundationEssentials
import Host
import Machine

/// Where every guest's use is written down for good, one line of JSON for each that has ended: exactly one, however it
/// ended, whoever finds it, and however many find it at once.
struct Ledger {
  let path: String

  /// - Returns: nil for a user who has no place for such a file.
  init?() {
    guard let state = Environment.folder("XDG_STATE_HOME", usually: ".local/state") else { return nil }
    path = "\(state)/rowhouse/ledger.jsonl"
  }

  init(path: String) { self.path = path }

  /// Appends a guest's record, durably, unless it is there already.
  ///
  /// A guest's folder says how far its books are: `settling` has the ledger's length before the record was appended,
  /// so that who comes after a crash finds out whether it was; `settled` says that it was. Neither is made durable. Most
  /// folders of guests are in memory, and go with it; for those on a disk the ledger itself is asked.
  ///
  /// Who removes a folder settles it before, and the next guest of that name gets a new one. So it must be held
  /// (``GuestFolder/holding()``), and whether one that has gone was settled is in the ledger itself.
  ///
  /// - Parameter folder: nil when nobody else can find the guest.
  func settle(_ record: LedgerRecord, in folder: GuestFolder?) throws(SystemCallError) {
    if let folder, folder.has(.settled) { return }
    try Folder.makeAll(path.parentFolder)
    let file = try Descriptor.open(path, [.readWrite, .create, .append], permissions: 0o600)
    try file.lockExclusively()
    // Perhaps somebody else was quicker, and has removed the folder since: the other order would miss that one.
    if let folder, folder.has(.settled) { return }
    let hasGone = folder.map { !$0.isInPlace } ?? false
    let end = try file.end()
    let start = hasGone ? 0 : folder?.lengthBefore(end)
    let isAppended = if let start { try isAppended(record, from: start, to: end, file) } else { false }
    let folder = hasGone ? nil : folder
    if !isAppended {
      // A record is no more durable than the ledger's name, so that is first: who finds another record may rely on it.
      if end == 0 { try Folder.sync(path.parentFolder) }
      try folder?.write(String(end), to: .settling)
      // A line that a power failure has cut off must not spoil this one.
      let last = end == 0 ? [] : try file.read(count: 1, at: end - 1)
      let isCut = last.contains { $0 != UInt8(ascii: "\n") }
      do throws(SystemCallError) { try file.writeAll((isCut ? "\n" : "") + Self.line(record)) } catch {
        // What of the line found room is taken back.
        try? file.truncate(to: Int64(clamping: end))
        throw error
      }
    }
    try file.syncData()
    if let folder { try folder.write("", to: .settled) }
  }

  /// Whether whoever began to settle this guest's books came so far as to append the record.
  ///
  /// - Parameters:
  ///   - offset: how long the ledger was before, or 0.
  ///   - end: how long it is now.
  private func isAppended(
    _ record: LedgerRecord, from offset: UInt64, to end: UInt64, _ file: borrowing Descriptor
  ) throws(SystemCallError) -> Bool {
    let bytes = try file.read(count: Int(clamping: end - offset), at: offset)
    let run = Array(record.run.utf8)
    return bytes.split(separator: UInt8(ascii: "\n")).contains { line in
      // To decode a line takes a hundred times as long as to see that the run is not in it.
      line.indices.contains { line[$0] == run[0] && line[$0...].starts(with: run) }
        && Self.record(in: line)?.run == record.run
    }
  }

  private static func line(_ record: LedgerRecord) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // Strings and whole numbers are all there is, and JSON can say them.
    return String(decoding: (try? encoder.encode(record)) ?? Data(), as: UTF8.self) + "\n"
  }

  private static func record(in line: ArraySlice<UInt8>) -> LedgerRecord? {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try? decoder.decode(LedgerRecord.self, from: Data(line))
  }

  struct Content: Equatable {
    /// In the order in which they came.
    var records: [LedgerRecord] = []
    /// The numbers of the lines that are no records, from 1: cut off by a power failure, or of another's.
    var otherLines: [Int] = []
  }

  func content() throws(SystemCallError) -> Content {
    let bytes: [UInt8]
    do throws(SystemCallError) {
      let file = try Descriptor.open(path, .readOnly)
      // A record that is being appended is seen whole or not at all.
      try file.lockShared()
      bytes = try file.read(count: Int(clamping: try file.end()), at: 0)
    } catch where error.errno == .noSuchFile {
      return Content()
    }
    var content = Content()
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      if let record = Self.record(in: line) {
        content.records.append(record)
      } else {
        content.otherLines.append(index + 1)
      }
    }
    return content
  }
}

extension String {
  /// The folder that an absolute path ends in.
  var parentFolder: String {
    let slash = lastIndex(of: "/") ?? startIndex
    return slash == startIndex ? "/" : String(self[..<slash])
  }
}

extension GuestFolder {
  /// The length from which on the ledger may have the guest's record; nil: it has none.
  ///
  /// - Parameter end: the ledger's length now.
  fileprivate func lengthBefore(_ end: UInt64) -> UInt64? {
    guard let text = text(of: .settling) else {
      // On a disk a power failure may have taken `settling` with it and left the record.
      return (try? FileSystem(of: path))?.isInMemory == true ? nil : 0
    }
    // Or only what is in it. Of a ledger that has got shorter it says nothing either.
    guard let length = UInt64(text), length <= end else { return 0 }
    return length
  }

  func has(_ file: FolderFile) -> Bool { (try? FileStatus(of: path(of: file))) != nil }
}
