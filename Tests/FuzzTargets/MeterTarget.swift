import Metering

/// A meter page whose figures somebody has made up: what is read of it may be wrong, but is read.
func fuzzMeter(_ input: inout FuzzInput) {
  let shape = (cpus: 1 + input.below(3), disks: input.below(3), networks: input.below(3))
  var words = [UInt64](
    repeating: 0, count: 512 + 32 * shape.cpus + 192 * shape.disks + 64 * shape.networks + 511 & ~511)
  // A sound head (docs/meter.md), or few inputs would come any further.
  let disks = 4096 + 256 * shape.cpus
  let head = [
    0: 0x4553_554f_4857_4f52, 8: 2, 16: UInt64(words.count * 8), 56: UInt64(shape.cpus), 64: UInt64(shape.disks),
    72: UInt64(shape.networks), 80: 4096, 88: UInt64(disks), 96: UInt64(disks + 1536 * shape.disks),
  ] as [Int: UInt64]
  for (offset, word) in head { words[offset / 8] = word }
  while !input.isEmpty {
    let place = Int(input.integer(UInt16.self)) % words.count
    words[place] = [0, 1, .max, .max - 1, 1 << 63, UInt64(input.byte()), input.integer()][input.below(7)]
  }
  let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
  guard let reading = MeterReading(bytes) else { return }
  precondition(reading.cpus.count == shape.cpus && reading.disks.count == shape.disks, "the meter has another shape")
  _ = (reading.cpuQuota?.basisPoints, reading.exits, reading.cpuNanoseconds)
  for disk in reading.disks {
    for transfers in [disk.read, disk.written] {
      let histogram = transfers.latencies
      precondition((histogram.quantile(0.5) ?? 0) <= (histogram.quantile(1) ?? 0), "a half took longer than all")
    }
  }
}
