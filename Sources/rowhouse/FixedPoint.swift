import Metering

extension Double {
  /// With so many decimals, rounded: 0.0449.fixed(2) is "0.04". For figures below 2^53 / 10^decimals; larger ones
  /// are less exact, and from 2^64 / 10^decimals on they are that.
  func fixed(_ decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { power, _ in power * 10 }
    let scaled = (magnitude * scale).rounded()
    let sign = self < 0 && scaled > 0 ? "-" : ""
    let digits = String(UInt64(saturating: scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return sign + padded.dropLast(decimals) + (decimals > 0 ? "." : "") + padded.suffix(decimals)
  }

  /// Nanoseconds as "12.34 ms".
  var milliseconds: String { (self / 1e6).fixed(2) + " ms" }
}
