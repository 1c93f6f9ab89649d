/// The kernel command line, as words separated by spaces: plain ones (`forever`) and settings
/// (`count=1000`).
struct Options {
  let text: PhysicalText

  /// Whether `word` is among the words.
  func contains(_ word: StaticString) -> Bool {
    var found = false
    forEachWord { if $0 == word { found = true } }
    return found
  }

  /// The text after `KEY=` in the last word of that form.
  func value(of key: StaticString) -> PhysicalText? {
    var value: PhysicalText?
    let keyCount = key.utf8CodeUnitCount
    forEachWord { word in
      if word.hasPrefix(key), word.bytes.count > keyCount, word.bytes[keyCount] == UInt8(ascii: "=") {
        value = word.dropFirst(keyCount + 1)
      }
    }
    return value
  }

  /// The decimal number after `KEY=`. Anything else there is a failure: a test that misspells its number
  /// must not pass with another.
  func number(_ key: StaticString) -> UInt64? {
    guard let digits = value(of: key) else { return nil }
    var number: UInt64 = 0
    for byte in digits.bytes {
      let digit = byte &- UInt8(ascii: "0")
      let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
      expect(digit < 10 && !overflow, "\(key)= wants a decimal number, not \(digits)")
      number = tens &+ UInt64(digit)
    }
    expect(digits.bytes.count > 0, "\(key)= wants a decimal number")
    return number
  }

  private func forEachWord(_ body: (PhysicalText) -> Void) {
    var wordStart = 0
    for index in 0...text.bytes.count
    where index == text.bytes.count || text.bytes[index] == UInt8(ascii: " ") {
      if index > wordStart {
        body(PhysicalText(start: text.bytes.start.advanced(by: wordStart), count: index - wordStart))
      }
      wordStart = index + 1
    }
  }
}
