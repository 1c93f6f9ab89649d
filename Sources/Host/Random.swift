import CLinux

/// The kernel's random numbers (getrandom(2)).
package enum Random {
  /// Fills `buffer` with bytes that nobody can foretell. Waits only before the host has finished starting.
  package static func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemCallError) {
    // SAFETY: the buffer's base and count describe memory that the caller owns for the call.
    unsafe try checked("getrandom", linux_random(buffer.baseAddress, buffer.count))
  }
}
