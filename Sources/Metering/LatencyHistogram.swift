/// How long requests took, each counted in the bucket of its logarithm to base 2.
///
/// Bucket 0 is for less than 2 ns, bucket `i` for 2^i to 2^(i+1) ns, and the last, from 2^39 ns (nine minutes) on,
/// has no end.
package struct LatencyHistogram: Equatable, Sendable {
  package static let bucketCount = 40
  /// Requests by bucket.
  package var counts = [UInt64](repeating: 0, count: bucketCount)

  package init() {}

  package static func bucket(_ nanoseconds: UInt64) -> Int {
    min(63 - (nanoseconds | 1).leadingZeroBitCount, bucketCount - 1)
  }

  /// The time that all of a bucket's requests took less than, in nanoseconds; the last bucket has none.
  package static func end(of bucket: Int) -> UInt64 { 1 << UInt64(bucket + 1) }

  package var total: UInt64 { counts.saturatingSum }

  /// The time within which a share of all requests was answered: the end of the bucket in which the last of them is, in
  /// nanoseconds; nil when there were none.
  ///
  /// - Parameter share: above 0, at most 1.
  package func quantile(_ share: Double) -> UInt64? {
    let total = total
    guard total > 0 else { return nil }
    let rank = max(1, (share * Double(total)).rounded(.up))
    var seen: UInt64 = 0
    for (bucket, count) in counts.enumerated() {
      seen = seen.saturatingAdd(count)
      if Double(seen) >= rank { return Self.end(of: bucket) }
    }
    return Self.end(of: Self.bucketCount - 1)
  }
}
