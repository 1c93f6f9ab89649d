import Host
import KVM
import Metering

/// How often a vCPU left the guest, and how long it was away each time, by what it left for.
///
/// It belongs to the vCPU's thread until that has ended. Nothing is allocated while it counts: places are a hash table
/// of fixed size, and what finds it full is counted together.
final class ExitProfile {
  /// What a vCPU left the guest for.
  struct Cause: Hashable {
    let reason: ExitReason
    /// The port or the physical address; 0 where there is none.
    let address: UInt64
  }

  struct Cost {
    var count: UInt64 = 0
    /// From the return of KVM_RUN to the next call of it, so without the ways of the CPU and of KVM.
    var nanoseconds: UInt64 = 0
  }

  private struct Place {
    var cause: Cause?
    var cost = Cost()
  }

  /// A power of two, several times what a machine's devices have registers.
  private static let capacity = 1024
  private var places = [Place](repeating: Place(), count: capacity)
  private var others = Cost()
  private var current: Int?
  private var left: UInt64 = 0

  /// KVM_RUN has returned.
  @inline(__always)
  func leave(_ exit: Exit) {
    left = Instant.now.nanoseconds
    current = place(of: Cause(exit))
  }

  /// KVM_RUN is about to be called again, or never more.
  @inline(__always)
  func enter() {
    let away = Instant.now.nanoseconds - left
    if let current {
      places[current].cost.add(away)
    } else {
      others.add(away)
    }
  }

  /// Linear probing.
  private func place(of cause: Cause) -> Int? {
    // Fibonacci hashing: the multiplier is 2^64 divided by the golden ratio.
    let hash = (cause.address << 3 | UInt64(truncatingIfNeeded: cause.reason.rawValue)) &* 0x9e37_79b9_7f4a_7c15
    for step in 0..<Self.capacity {
      let index = (Int(hash >> 54) + step) % Self.capacity
      if places[index].cause == cause { return index }
      if places[index].cause == nil {
        places[index].cause = cause
        return index
      }
    }
    return nil
  }

  /// All that was counted; causes that found no place are under ``ExitReason/other`` at the address of all ones.
  var costs: [(cause: Cause, cost: Cost)] {
    let known = places.compactMap { place in place.cause.map { (cause: $0, cost: place.cost) } }
    return others.count == 0 ? known : known + [(Cause(reason: .other, address: .max), others)]
  }
}

extension ExitProfile.Cost {
  fileprivate mutating func add(_ nanoseconds: UInt64) {
    count += 1
    self.nanoseconds += nanoseconds
  }

  static func + (left: Self, right: Self) -> Self {
    Self(count: left.count + right.count, nanoseconds: left.nanoseconds + right.nanoseconds)
  }
}

extension ExitProfile.Cause {
  @inline(__always)
  fileprivate init(_ exit: Exit) {
    switch exit {
    case .portOut(let port, _, _): self.init(reason: .portWrite, address: UInt64(port))
    case .portIn(let port, _, _): self.init(reason: .portRead, address: UInt64(port))
    case .memoryRead(let address, _): self.init(reason: .memoryRead, address: address)
    case .memoryWrite(let address, _, _): self.init(reason: .memoryWrite, address: address)
    case .interrupted: self.init(reason: .interrupted, address: 0)
    case .tripleFault, .systemEvent, .unsupported, .hostError: self.init(reason: .other, address: 0)
    }
  }
}
