import CSeccomp
import Host
import Synchronization

/// A system call that a host may refuse, as containers do (seccomp(2)).
package enum RefusedCall: Sendable {
  case setUpRing, useRing

  /// From now on the calling thread gets EPERM from it.
  package func refuse() throws(SystemCallError) {
    let number = self == .setUpRing ? seccomp_io_uring_setup : seccomp_io_uring_enter
    try checked("seccomp", seccomp_refuse(number))
  }
}

/// Runs `body` on a thread of its own, which may have calls refused: nobody gives them back to it.
package func onItsOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
  let result = Mutex<Result<Value, any Error>?>(nil)
  let thread = try Thread(named: "refused") {
    let value = Result { try body() }
    result.withLock { $0 = value }
  }
  thread.join()
  // It was set before the thread ended.
  return try result.withLock { $0! }.get()
}
