import CKVM
import Host

/// One of KVM's own counters (KVM_GET_STATS_FD, API documentation section 4.128).
package struct KVMStatistic: Sendable {
  /// KVM's name, "halt_exits".
  package let name: String
  package var value: UInt64

  package init(name: String, value: UInt64) {
    self.name = name
    self.value = value
  }

  /// Reads the counters of a vCPU: what has only grown since it was made, and is one number.
  ///
  /// - Parameter number: the statistics' descriptor.
  static func read(_ number: Int32) throws(KVMError) -> [KVMStatistic] {
    let file = Descriptor(owning: number)
    return try host { () throws(SystemCallError) in
      // struct kvm_stats_header: flags, name_size, num_desc, id_offset, desc_offset, data_offset.
      let header = try Words(file.read(count: 24, at: 0))
      let (nameBytes, count) = (Int(header.word(4)), Int(header.word(8)))
      let stride = 16 + nameBytes
      let descriptions = try Words(file.read(count: count * stride, at: UInt64(header.word(16))))
      var statistics: [KVMStatistic] = []
      for start in Swift.stride(from: 0, to: count * stride, by: stride) {
        // struct kvm_stats_desc: flags, exponent and size in 16 bits each, offset, bucket_size, name.
        let flags = Int32(bitPattern: descriptions.word(start))
        guard flags & KVM_STATS_TYPE_MASK == KVM_STATS_TYPE_CUMULATIVE, descriptions.word(start + 4) >> 16 == 1
        else { continue }
        let place = UInt64(header.word(20)) + UInt64(descriptions.word(start + 8))
        let value = try Words(file.read(count: 8, at: place))
        let name = descriptions.bytes[start + 16..<start + stride].prefix { $0 != 0 }
        statistics.append(
          KVMStatistic(
            name: String(decoding: name, as: UTF8.self), value: UInt64(value.word(4)) << 32 | UInt64(value.word(0))))
      }
      return statistics
    }
  }

  /// What KVM wrote, as little-endian words. It is the kernel's, so a short answer is a fault of the host.
  private struct Words {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func word(_ offset: Int) -> UInt32 {
      bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
  }
}

extension VirtualCPU {
  /// KVM's counters of this vCPU; none when this host's kernel keeps none (before Linux 5.14).
  package func statistics() throws(KVMError) -> [KVMStatistic] {
    let number = getStatistics()
    return number < 0 ? [] : try KVMStatistic.read(number)
  }
}
