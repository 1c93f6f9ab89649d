import CSeccomp
import Host
import Synchronization

/// A system call that a host may refuse, as containers do (seccomp(2)).
package enum RefusedCall: Sendable {
  case setUpRing, useRing, waitForEvents, syncData

  /// From now on the calling thread gets EPERM from it, and so do the programs that it starts.
  package func refuse() throws(SystemCallError) { try checked("seccomp", seccomp_refuse(number)) }

  private var number: Int {
    switch self {
    case .setUpRing: seccomp_io_uring_setup
    case .useRing: seccomp_io_uring_enter
    case .waitForEvents: seccomp_epoll_wait
    case .syncData: seccomp_fdatasync
    }
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
