import Synchronization

/// A part of a guest's meter: the words of one vCPU, disk or network card. It keeps the meter in place.
struct MeterBlock: Sendable {
  let page: MeterPage
  /// From the meter's start, in bytes.
  let start: Int

  @inline(__always)
  func store(_ value: UInt64, at offset: Int) { page.store(value, at: start + offset) }

  @inline(__always)
  func load(at offset: Int) -> UInt64 { page.load(at: start + offset) }

  func store(_ limits: RateLimits, at offset: Int, budgetAt budget: Int) {
    for quantity in RateLimits.Quantity.allCases {
      let limit = limits.limit(quantity)
      let place = offset + quantity.rawValue * MeterLayout.limitStride
      store(limit?.rate ?? 0, at: place)
      store(limit?.burst ?? 0, at: place + 8)
    }
    store(limits[.budget] ?? 0, at: budget)
  }

  /// Words that lie one after the other, in place as long as this block is there.
  // SAFETY: the page is argued there; who keeps the pointer keeps this block, and so the page.
  func words(at offset: Int) -> UnsafePointer<Atomic<UInt64>> { unsafe page.words(from: start + offset) }

  /// Adds to a word that has no other writer.
  @inline(__always)
  func add(_ value: UInt64, at offset: Int) {
    page.word(start + offset) { $0.store($0.load(ordering: .relaxed) &+ value, ordering: .relaxed) }
  }
}
