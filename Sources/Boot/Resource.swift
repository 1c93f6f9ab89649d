/// What a device occupies of the machine, encoded as a resource descriptor (ACPI 6.5, 6.4).
package struct Resource: Equatable, Sendable {
  let bytes: [UInt8]

  /// Ports, all 16 address bits decoded (6.4.2.5).
  package static func io(_ start: UInt16, count: UInt8) -> Resource {
    var bytes: [UInt8] = [0x47, 1]
    bytes.append(little: start)  // lowest and highest base: it is fixed
    bytes.append(little: start)
    return Resource(bytes: bytes + [1, count])
  }

  /// An ISA interrupt, 0 to 15: edge-triggered, active high, not shared (6.4.2.1).
  package static func irq(_ number: UInt8) -> Resource {
    var bytes: [UInt8] = [0x22]
    bytes.append(little: UInt16(1) << UInt16(number))
    return Resource(bytes: bytes)
  }

  /// Memory below 4 GiB, for reading and writing (6.4.3.4).
  package static func memory(_ start: UInt32, count: UInt32) -> Resource {
    var bytes: [UInt8] = [0x86, 9, 0, 1]
    bytes.append(little: start)
    bytes.append(little: count)
    return Resource(bytes: bytes)
  }

  /// A global system interrupt: edge-triggered, active high, not shared (6.4.3.6).
  package static func interrupt(_ gsi: UInt32) -> Resource {
    var bytes: [UInt8] = [0x89, 6, 0, 0b0011, 1]
    bytes.append(little: gsi)
    return Resource(bytes: bytes)
  }
}
