/// A device that answers accesses to a range of ports or of physical addresses.
///
/// Calls come from any vCPU's thread, several at once: a device guards its own state. They must not wait for anything
/// that the guest or a peer controls.
package protocol BusDevice: AnyObject, Sendable {
  /// The guest reads.
  ///
  /// - Parameters:
  ///   - offset: bytes from the start of the device's range.
  ///   - size: bytes, 1, 2, 4 or (memory only) 8. The access starts inside the range but may reach past its end.
  /// - Returns: the value; bits above `size` bytes are ignored.
  func read(offset: UInt64, size: Int) -> UInt64

  /// The guest writes.
  ///
  /// - Parameters:
  ///   - offset: as for ``read(offset:size:)``.
  ///   - size: as for ``read(offset:size:)``.
  ///   - value: the value, its bits above `size` bytes zero.
  func write(offset: UInt64, size: Int, value: UInt64)
}
