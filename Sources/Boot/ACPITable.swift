/// A table with the header that all ACPI tables share (ACPI 6.5, 5.2.6).
struct ACPITable: Sendable {
  /// The header's size, where every table's own fields start.
  static let headerBytes = 36
  static let creator = (id: Array("ROWHSE".utf8), tableID: Array("ROWHOUSE".utf8), compiler: Array("ROWH".utf8))

  /// The whole table, length and checksum in place.
  let bytes: [UInt8]

  /// - Parameters:
  ///   - signature: four characters.
  ///   - contents: what follows the header.
  init(_ signature: StaticString, revision: UInt8, contents: [UInt8]) {
    var bytes = Array(signature.description.utf8)
    bytes.append(little: UInt32(Self.headerBytes + contents.count))
    bytes += [revision, 0]
    bytes += Self.creator.id
    bytes += Self.creator.tableID
    bytes.append(little: UInt32(1))
    bytes += Self.creator.compiler
    bytes.append(little: UInt32(1))
    bytes += contents
    bytes.seal(at: 9)
    self.bytes = bytes
  }
}
