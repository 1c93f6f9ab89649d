extension [UInt8] {
  /// Two digits for each byte.
  var hexadecimal: String {
    let digits = Array<UInt8>("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// - Returns: nil for what is not two digits for each byte.
  init?(hexadecimal text: String) {
    var nibbles: [UInt8] = []
    for character in text {
      guard let nibble = character.hexDigitValue else { return nil }
      nibbles.append(UInt8(nibble))
    }
    guard nibbles.count.isMultiple(of: 2) else { return nil }
    self = stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
  }
}
