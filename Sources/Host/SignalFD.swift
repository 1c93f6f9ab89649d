import CLinux
import Glibc

/// Signals to this process as something that an ``EventLoop`` can wait for (signalfd(2)).
package struct SignalFD: ~Copyable, Sendable {
  private let descriptor: Descriptor

  /// Blocks `signals` in the calling thread, and so in every thread that it starts afterwards, and collects them here.
  /// To be made before any other thread.
  package init(_ signals: [Int32]) throws(SystemCallError) {
    var mask = sigset_t()
    // SAFETY: the set is a local variable; every call only reads or fills it.
    unsafe sigemptyset(&mask)
    for signal in signals { unsafe sigaddset(&mask, signal) }
    unsafe try checked("pthread_sigmask", linux_block_signals(&mask))
    descriptor = Descriptor(owning: unsafe try checked("signalfd", linux_signalfd(&mask)))
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
