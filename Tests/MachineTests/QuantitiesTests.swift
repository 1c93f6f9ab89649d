import Testing

@testable import Machine

@Suite struct QuantitiesTests {
  @Test(arguments: [
    ("500us", 500_000), ("10ms", 10_000_000), ("2s", 2_000_000_000), ("0us", 0), ("1000ms", 1_000_000_000),
  ] as [(String, UInt64)])
  func spans(text: String, nanoseconds: UInt64) { #expect(TimeSpan.parse(text) == nanoseconds) }

  @Test(arguments: ["", "10", "ms", "1.5s", "-1s", "10 ms", "10m", "99999999999999999999s", "18446744073709551615s"])
  func noSpans(text: String) { #expect(TimeSpan.parse(text) == nil) }

  @Test(arguments: [1000, 10_000_000, 1_500_000_000, 60_000_000_000, 0] as [UInt64])
  func spansAreReadAgain(nanoseconds: UInt64) {
    #expect(TimeSpan.parse(TimeSpan.format(nanoseconds)) == nanoseconds)
  }

  @Test(arguments: [
    ("25%", 2500), ("150%", 15000), ("12.5%", 1250), ("0.01%", 1), ("100.25%", 10025), ("0%", 0),
  ] as [(String, UInt64)])
  func shares(text: String, basisPoints: UInt64) {
    #expect(Percentage.parse(text) == basisPoints)
    #expect(Percentage.format(basisPoints) == text)
  }

  @Test(arguments: ["", "25", "%", ".5%", "1.%", "1.234%", "-5%", "1,5%", "1.2.3%", "9999999999%", "٣%"])
  func noShares(text: String) { #expect(Percentage.parse(text) == nil) }

  @Test func listsOfCPUs() throws {
    #expect(try CPUAllotment.parseCPUs("0,2-4,1", option: "o") == [0, 2, 3, 4, 1])
    for text in ["", "a", "1-", "-1", "3-1", "1,,2", "0-99999", "1-2-3"] {
      #expect(throws: ConfigurationError.self, "\(text)") { try CPUAllotment.parseCPUs(text, option: "o") }
    }
  }
}
