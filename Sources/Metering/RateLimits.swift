/// What may go through a disk or a network card.
package struct RateLimits: Equatable, Sendable {
  /// What is limited, each apart from the others; in the order of the meter page.
  package enum Quantity: Int, CaseIterable, Sendable {
    case bytesToGuest, bytesFromGuest, bytes, operationsToGuest, operationsFromGuest, operations

    package var isOfBytes: Bool { rawValue < Quantity.operationsToGuest.rawValue }

    /// Whether an operation counts that moves so many bytes this way.
    func counts(_ direction: FlowDirection, bytes: UInt64) -> Bool {
      counts(direction) && (bytes > 0 || !isOfBytes)
    }

    /// Whether what goes this way counts.
    package func counts(_ direction: FlowDirection) -> Bool {
      switch self {
      case .bytesToGuest, .operationsToGuest: direction == .toGuest
      case .bytesFromGuest, .operationsFromGuest: direction == .fromGuest
      case .bytes, .operations: true
      }
    }
  }

  /// A number that can be set.
  package enum Item: Hashable, Sendable {
    /// Units a second.
    case rate(Quantity)
    /// Units that may be saved up.
    case burst(Quantity)
    /// Bytes in all, both ways together.
    case budget

    package static let all: [Item] = Quantity.allCases.map(Item.rate) + Quantity.allCases.map(Item.burst) + [.budget]
    /// The item's place in ``all``.
    package var number: Int {
      switch self {
      case .rate(let quantity): quantity.rawValue
      case .burst(let quantity): Quantity.allCases.count + quantity.rawValue
      case .budget: 2 * Quantity.allCases.count
      }
    }
  }

  private var values = [UInt64?](repeating: nil, count: Item.all.count)

  package init() {}

  /// Nil: no limit, or for a burst the one that goes with its rate.
  package subscript(item: Item) -> UInt64? {
    get { values[item.number] }
    set { values[item.number] = newValue }
  }

  /// A burst that was not set is what comes in a tenth of a second, and no less than a request's worth.
  package func limit(_ quantity: Quantity) -> TokenBucket.Limit? {
    guard let rate = self[.rate(quantity)] else { return nil }
    let usual = max(rate / 10, quantity.isOfBytes ? 4096 : 1)
    return TokenBucket.Limit(rate: rate, burst: self[.burst(quantity)] ?? usual)
  }

  package var isEmpty: Bool { values.allSatisfy { $0 == nil } }
}
