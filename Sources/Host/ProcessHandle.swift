import CLinux

/// Another process, held so that its number cannot become another's (pidfd_open(2)).
package struct ProcessHandle: ~Copyable {
  private let descriptor: Descriptor

  /// Readable once the process has ended.
  package var number: Int32 { descriptor.number }

  package init(_ process: Int32) throws(SystemCallError) {
    descriptor = Descriptor(owning: try checked("pidfd_open", linux_process(process)))
  }

  package func send(_ signal: Int32) throws(SystemCallError) {
    try checked("pidfd_send_signal", linux_signal_process(descriptor.number, signal))
  }
}
