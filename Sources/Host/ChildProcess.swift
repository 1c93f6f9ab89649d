import CLinux
import Glibc

/// A program that this process has started and waits for.
///
package struct ChildProcess: ~Copyable {
  package let process: Int32

  /// How a child ended.
  package enum End: Equatable, Sendable {
    case exited(status: Int32)
    case killed(signal: Int32)
  }

  /// An ended child's CPU time in nanoseconds, all its threads together (getrusage(2)).
  package struct CPUTime: Equatable, Sendable {
    package let userNanoseconds: UInt64
    package let systemNanoseconds: UInt64

    package init(userNanoseconds: UInt64, systemNanoseconds: UInt64) {
      self.userNanoseconds = userNanoseconds
      self.systemNanoseconds = systemNanoseconds
    }
  }

  /// What an ended child and the children that it waited for took of memory (getrusage(2)).
  package struct MemoryUse: Equatable, Sendable {
    /// The most that was resident at once. Linux counts from the start, when the child is still a copy of its parent:
    /// up to the parent's own peak the figure says nothing.
    package let peakResidentBytes: UInt64
    /// Page faults that needed no reading from a disk, and those that did.
    package let minorFaults: UInt64
    package let majorFaults: UInt64
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - arguments: without the program's own name, which is `path`.
  ///   - descriptors: what the child finds as its descriptors 0, 1, 2…, by their numbers here. At most eight; it gets
  ///     no other one.
  ///   - defaults: signals that this process ignores and the child must not.
  ///   - isTied: whether the kernel kills the child when the thread that starts it ends, however that happens.
  /// - Throws: also when the program cannot be executed.
  package init(
    _ path: String, _ arguments: [String], descriptors: [Int32], defaults: [Int32] = [], isTied: Bool = true
  ) throws(SystemCallError) {
    var signals = sigset_t()
    // SAFETY: the set is a local variable, and the calls only fill it.
    unsafe sigemptyset(&signals)
    for signal in defaults { unsafe sigaddset(&signals, signal) }
    // SAFETY: strdup copies each string, nil ends the list; all are freed below, after the call that reads them.
    var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { for unsafe word in unsafe words { unsafe free(word) } }
    let started = unsafe linux_spawn(path, &words, descriptors, Int32(descriptors.count), &signals, isTied ? 1 : 0)
    process = try checked("exec", started)
  }

  /// Sends a signal (kill(2)). To be used only before ``collect()`` has returned the end: the number may then be
  /// another's.
  package func send(_ signal: Int32) { kill(process, signal) }

  /// How the child ended, or nil while it lives. SIGCHLD says when it is worth asking.
  package func collect() throws(SystemCallError) -> (end: End, cpuTime: CPUTime, memory: MemoryUse)? {
    var end = linux_child_end()
    // SAFETY: a local variable of the type that the call fills.
    guard try checked("wait4", unsafe linux_collect(process, &end)) > 0 else { return nil }
    return (
      end.signal == 0 ? .exited(status: end.exit_status) : .killed(signal: end.signal),
      CPUTime(userNanoseconds: end.user_ns, systemNanoseconds: end.system_ns),
      MemoryUse(
        peakResidentBytes: end.peak_resident_bytes, minorFaults: end.minor_faults, majorFaults: end.major_faults)
    )
  }

  /// Ends the child, whatever it is doing, and returns when it has ended: SIGTERM asks it to, SIGKILL does not ask.
  /// To be used only before ``collect()`` has returned the end.
  ///
  /// - Parameter patience: how long it may take to obey, in nanoseconds.
  package func end(within patience: UInt64) {
    send(SIGTERM)
    let deadline = Instant.now.advanced(byNanoseconds: patience)
    do throws(SystemCallError) {
      while try collect() == nil {
        if Instant.now >= deadline { send(SIGKILL) }
        usleep(1000)
      }
    } catch {
      // There is no such child any more.
    }
  }
}
