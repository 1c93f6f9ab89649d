/// A number of bytes as people write it: digits and a unit, "512M". Units are powers of 1024.
package enum ByteSize {
  private static let units: [(letter: Character, shift: UInt64)] = [("K", 10), ("M", 20), ("G", 30), ("T", 40)]

  /// Reads "64K", "512M", "512MiB", "2G"; nil for anything else, also for a number without a unit, which QEMU and
  /// others take for different things.
  package static func parse(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    var unit = text.dropFirst(digits.count).uppercased()
    for suffix in ["IB", "B"] where unit.count > suffix.count && unit.hasSuffix(suffix) {
      unit.removeLast(suffix.count)
      break
    }
    guard let number = UInt64(digits), let letter = unit.first, unit.count == 1,
      let shift = units.first(where: { $0.letter == letter })?.shift,
      number <= UInt64.max >> shift
    else { return nil }
    return number << shift
  }

  /// The same in the largest unit that leaves a whole number: 536870912 is "512M". Sizes are multiples of 1 KiB.
  package static func format(_ bytes: UInt64) -> String {
    // As people write it.
    if bytes == 0 { return "0M" }
    let unit = units.last { bytes >= 1 << $0.shift && bytes % (1 << $0.shift) == 0 } ?? units[0]
    return "\(bytes >> unit.shift)\(unit.letter)"
  }
}
