import Testing

@testable import Metering

@Suite struct LatencyHistogramTests {
  @Test(arguments: [
    (0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (1023, 9), (1024, 10), (1 << 39, 39), (1 << 50, 39), (UInt64.max, 39),
  ] as [(UInt64, Int)])
  func buckets(nanoseconds: UInt64, bucket: Int) { #expect(LatencyHistogram.bucket(nanoseconds) == bucket) }

  @Test func quantiles() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == nil)
    histogram.counts[10] = 99
    histogram.counts[20] = 1
    #expect(histogram.quantile(0.5) == 2048 && histogram.quantile(0.99) == 2048)
    #expect(histogram.quantile(0.999) == 1 << 21 && histogram.quantile(1) == 1 << 21)
    #expect(histogram.total == 100)
  }
}
