import GuestMemory

/// The tables of Intel's MultiProcessor Specification 1.4, for kernels without ACPI.
struct MPTable {
  private let platform: Platform

  init(_ platform: Platform) { self.platform = platform }

  /// MP Floating Pointer Structure (4.1): where kernels find the table.
  static func floatingPointer(to table: GuestAddress) -> [UInt8] {
    var bytes = Array("_MP_".utf8)
    bytes.append(little: UInt32(table.rawValue))
    bytes += [1, 4, 0, 0, 0, 0, 0, 0]  // one paragraph long, version 1.4, sum, then: a table follows, no IMCR
    bytes.seal(at: 10)
    return bytes
  }

  /// MP Configuration Table (4.2 and 4.3).
  var configuration: [UInt8] {
    let entries = processors + [isaBus, ioAPIC] + interrupts + localInterrupts
    var bytes = Array("PCMP".utf8)
    bytes.append(little: UInt16(44 + entries.reduce(0) { $0 + $1.count }))
    bytes += [4, 0]  // version 1.4, sum
    bytes += Array("ROWHOUSE".utf8)
    bytes += Array("MACHINE     ".utf8)
    bytes.append(little: UInt32(0))  // no OEM table, of no size
    bytes.append(little: UInt16(0))
    bytes.append(little: UInt16(entries.count))
    bytes.append(little: platform.localAPICAddress)
    bytes.append(little: UInt32(0))  // no extended table
    bytes += entries.flatMap { $0 }
    bytes.seal(at: 7)
    return bytes
  }

  /// Those CPUs whose local APIC has an identity that fits into 8 bits: the table knows no others (4.3.1).
  private var processors: [[UInt8]] {
    platform.apicIDs.filter { $0 < 255 }.map { id in
      let isBootstrap = id == platform.apicIDs.first
      var bytes: [UInt8] = [0, UInt8(id), Self.localAPICVersion, isBootstrap ? 0b11 : 0b01]
      bytes.append(little: UInt32(0x600))  // CPU signature: family 6
      bytes.append(little: UInt32(0x201))  // features: FPU and APIC; CPUID says the rest
      return bytes + [UInt8](repeating: 0, count: 8)
    }
  }

  private static let localAPICVersion: UInt8 = 0x14
  private static let ioAPICVersion: UInt8 = 0x11

  private var isaBus: [UInt8] { [1, 0] + Array("ISA   ".utf8) }

  private var ioAPIC: [UInt8] {
    var bytes: [UInt8] = [2, platform.ioAPICID, Self.ioAPICVersion, 1]
    bytes.append(little: platform.ioAPICAddress)
    return bytes
  }

  /// All ISA interrupts but the cascade's, each on the pin of its number but for the timer's (4.3.4).
  private var interrupts: [[UInt8]] {
    (0..<16).filter { $0 != 2 }.map { irq in
      [3, 0, 0, 0, 0, irq, platform.ioAPICID, irq == 0 ? platform.timerPin : irq]
    }
  }

  /// The 8259s on LINT0 and the NMI on LINT1 of every local APIC (4.3.5).
  private var localInterrupts: [[UInt8]] {
    [[4, 3, 0, 0, 0, 0, 0xff, 0], [4, 1, 0, 0, 0, 0, 0xff, 1]]
  }
}
