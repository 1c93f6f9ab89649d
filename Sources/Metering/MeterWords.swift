/// A copy of a meter's bytes whose head was checked: every part that it speaks of is inside.
struct MeterWords {
  private let words: [UInt64]
  private let shape: MeterShape

  /// A part of the meter, whose words are known by the fields of a layout.
  struct Part<Field: RawRepresentable<Int>> {
    fileprivate let words: [UInt64]
    fileprivate let start: Int

    /// The word of a field, or the one that many words after it.
    subscript(field: Field, index: Int = 0) -> UInt64 { words[(start + field.rawValue) / 8 + index] }

    func part<Inner>(_ field: Field) -> Part<Inner> { Part<Inner>(words: words, start: start + field.rawValue) }
  }

  /// - Returns: nil when the bytes are no meter of this version, or not the whole of it.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= MeterLayout.headBytes else { return nil }
    words = stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { offset in
      bytes[offset..<offset + 8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    }
    let head = Part<MeterLayout.Guest>(words: words, start: 0)
    guard head[.magic] == MeterLayout.magic, head[.version] == MeterLayout.version,
      let cpus = Self.count(head[.cpuCount], 1...4096), let disks = Self.count(head[.diskCount], 0...256),
      let networks = Self.count(head[.networkCount], 0...256)
    else { return nil }
    shape = MeterShape(cpuCount: cpus, diskCount: disks, networkCount: networks)
    guard head[.byteCount] == UInt64(shape.byteCount), shape.byteCount <= bytes.count,
      head[.cpus] == UInt64(shape.cpus), head[.disks] == UInt64(shape.disks), head[.networks] == UInt64(shape.networks)
    else { return nil }
  }

  private static func count(_ word: UInt64, _ range: ClosedRange<Int>) -> Int? {
    Int(exactly: word).flatMap { range.contains($0) ? $0 : nil }
  }

  var guest: Part<MeterLayout.Guest> { Part(words: words, start: 0) }
  var cpus: [Part<MeterLayout.CPU>] { parts(shape.cpus, MeterLayout.cpuStride, shape.cpuCount) }
  var disks: [Part<MeterLayout.Disk>] { parts(shape.disks, MeterLayout.diskStride, shape.diskCount) }
  var networks: [Part<MeterLayout.Network>] { parts(shape.networks, MeterLayout.networkStride, shape.networkCount) }

  private func parts<Field>(_ start: Int, _ stride: Int, _ count: Int) -> [Part<Field>] {
    (0..<count).map { Part(words: words, start: start + $0 * stride) }
  }
}
