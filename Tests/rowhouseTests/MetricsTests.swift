import Host
import Testing

@testable import Metering
@testable import rowhouse

@Suite("Metrics")
struct MetricsTests {
  private func text(_ format: Exposition.Format) throws -> String {
    var metrics = GuestMetrics()
    metrics.add("one", .running, try LedgerTests.meter())
    return metrics.text(format)
  }

  @Test("Each family is described once, before its samples, and the text ends as OpenMetrics wants it")
  func openMetrics() throws {
    let lines = try text(.openmetrics).split(separator: "\n")
    #expect(lines.last == "# EOF")
    var family = ""
    var seen: Set<String> = []
    for line in lines.dropLast() {
      let words = line.split(separator: " ", maxSplits: 3)
      if words[0] == "#" {
        guard words[1] == "TYPE" else {
          #expect(words[2] == family)
          continue
        }
        family = String(words[2])
        #expect(seen.insert(family).inserted)
      } else {
        let name = line.prefix { $0 != "{" }
        #expect(["", "_total", "_info", "_bucket", "_count", "_sum"].contains { name == family + $0 }, "\(line)")
      }
    }
    #expect(lines.contains(#"rowhouse_guest_cpu_seconds_total{guest="one",cpu="1"} 0.500000000"#))
    #expect(lines.contains("# UNIT rowhouse_guest_disk_bytes bytes"))
    #expect(
      lines.contains(#"rowhouse_guest_disk_latency_seconds_sum{guest="one",disk="0",direction="read"} 0.000000010"#))
  }

  @Test func theOlderFormatDescribesWholeNames() throws {
    let text = try text(.prometheus)
    #expect(text.contains("# TYPE rowhouse_guest_cpu_seconds_total counter\n"))
    #expect(text.contains("# TYPE rowhouse_guest_state gauge\n") && text.contains("rowhouse_guest_state=\"running\"} 1\n"))
    #expect(text.contains("# TYPE rowhouse_guest_info gauge\n") && !text.contains("EOF") && !text.contains("UNIT"))
  }

  @Test func labelsAreEscaped() {
    var family = Exposition.Family("a", .gauge, "b")
    family.add(1, [("x", "q\"b\\n\n")])
    #expect(Exposition([family]).text(.prometheus).hasSuffix("a{x=\"q\\\"b\\\\n\\n\"} 1\n"))
  }

  @Test("A histogram's buckets add up, each holds what its end says, and the last one has all")
  func histograms() throws {
    var histogram = LatencyHistogram()
    let times: [UInt64] = [1, 1023, 1024, 2047, 5_000_000, 1 << 38]
    for time in times { histogram.counts[LatencyHistogram.bucket(time)] += 1 }
    var family = Exposition.Family("t_seconds", .histogram, "t")
    family.add(histogram, nanoseconds: times.reduce(0, +), [("disk", "0")])
    let lines = Exposition([family]).text(.prometheus).split(separator: "\n")
    #expect(lines.contains("# TYPE t_seconds histogram"))
    var bounds: [Double] = []
    for line in lines {
      guard let (_, bound, count) = try /t_seconds_bucket{disk="0",le="(.*)"} (\d+)/.wholeMatch(in: line)?.output else {
        continue
      }
      let end = bound == "+Inf" ? Double.infinity : (try #require(Double(bound)) * 1e9).rounded()
      bounds.append(end)
      #expect(Int(count) == times.count { Double($0) <= end }, "\(line)")
    }
    #expect(bounds == bounds.sorted() && bounds.first == 1023 && bounds.last == .infinity && bounds.count == 28)
    #expect(lines.suffix(2) == ["t_seconds_count{disk=\"0\"} 6", "t_seconds_sum{disk=\"0\"} 274.882911039"])
  }
}
