import Glibc
import Host

extension GuestMemory {
  /// Gives the host's pages under a range back. They read as zeros afterwards, and are there again when they are
  /// touched.
  ///
  /// - Parameter range: start and count multiples of 4 KiB; the host may keep pages that are part of a larger one.
  package func discard(_ range: GuestRange) throws(GuestMemoryError) {
    guard range.start.rawValue.isMultiple(of: 4096), range.count.isMultiple(of: 4096) else {
      throw .misaligned(range.start)
    }
    guard let region = regions.first(where: { $0.range.contains(range) }) else {
      throw .notRAM(range.start, count: Int(clamping: range.count))
    }
    do throws(SystemCallError) { try region.discard(range) } catch { throw .host(error) }
  }
}
