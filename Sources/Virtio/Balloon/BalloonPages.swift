import GuestMemory

/// The pages that a driver names in an inflate request (virtio 1.2, 5.5.6): an array of le32 page numbers.
struct BalloonPages {
  /// Drivers name 256 at a time; one request shall not keep the I/O thread for long.
  static let most = 16_384
  private var bytes = [UInt8](repeating: 0, count: 4 * most)
  private var count = 0

  /// Copies the numbers out of the guest, over those of the last request.
  mutating func parse(_ chain: DescriptorChain) throws(VirtioFault) {
    guard chain.writableBytes == 0, chain.readableBytes.isMultiple(of: 4), chain.readableBytes <= 4 * UInt64(Self.most)
    else { throw .malformedRequest }
    count = Int(chain.readableBytes / 4)
    try chain.read(at: 0, into: &bytes, count: 4 * count)
  }

  /// Calls `body` with each run of neighbours, upwards or downwards, as one range.
  func forEachRange(_ body: (GuestRange) throws(VirtioFault) -> Void) throws(VirtioFault) {
    var run: ClosedRange<UInt64>?
    for index in 0..<count {
      let page = bytes[4 * index..<4 * index + 4].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      switch run {
      case let pages? where page == pages.upperBound + 1: run = pages.lowerBound...page
      case let pages? where page + 1 == pages.lowerBound: run = page...pages.upperBound
      case let pages?:
        try body(Self.range(pages))
        run = page...page
      case nil: run = page...page
      }
    }
    if let run { try body(Self.range(run)) }
  }

  /// 32 bits of page number and 12 of offset: no such range can wrap.
  private static func range(_ pages: ClosedRange<UInt64>) -> GuestRange {
    GuestRange(
      start: GuestAddress(pages.lowerBound * BalloonControl.pageBytes),
      count: (pages.upperBound - pages.lowerBound + 1) * BalloonControl.pageBytes)!
  }
}
