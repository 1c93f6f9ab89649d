import CLinux
import Glibc

/// Signals to this process as something that an ``EventLoop`` can wait for (signalfd(2)).
package struct SignalFD: ~Copyable, Sendable {
  private let descriptor: Descriptor
  private let signals: [Int32]

  /// - Parameter signals: what is collected here from ``collect()`` on, and until then does what it does by itself.
  package init(_ signals: [Int32]) throws(SystemCallError) {
    self.signals = signals
    var mask = Self.mask(signals)
    // SAFETY: the call only reads the local variable.
    descriptor = Descriptor(owning: unsafe try checked("signalfd", linux_signalfd(&mask)))
  }

  /// Blocks the signals in the calling thread, and so in every thread that it starts afterwards, and collects them
  /// here. Threads that run already must have blocked them (``Thread/leaveSignalsToOthers(but:)``); once more changes
  /// nothing.
  package func collect() throws(SystemCallError) {
    var mask = Self.mask(signals)
    // SAFETY: the call only reads the local variable.
    unsafe try checked("pthread_sigmask", linux_block_signals(&mask))
  }

  /// Has the signals do again in the calling thread what they do by themselves, one that came before now with them.
  package func release() {
    var mask = Self.mask(signals)
    // SAFETY: the call only reads the local variable.
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  private static func mask(_ signals: [Int32]) -> sigset_t {
    var mask = sigset_t()
    // SAFETY: the set is a local variable, and the calls only fill it.
    unsafe sigemptyset(&mask)
    for signal in signals { unsafe sigaddset(&mask, signal) }
    return mask
  }

  package var number: Int32 { descriptor.number }

  /// The next signal that has come, or nil.
  package func next() -> Int32? {
    // struct signalfd_siginfo is 128 bytes and starts with the signal's number (signalfd(2)).
    var information = InlineArray<32, UInt32>(repeating: 0)
    // SAFETY: exactly the 128 bytes of the local array are offered.
    let count = unsafe withUnsafeMutableBytes(of: &information) { bytes in
      unsafe linux_read(descriptor.number, bytes.baseAddress, bytes.count)
    }
    return count == 128 ? Int32(information[0]) : nil
  }
}
