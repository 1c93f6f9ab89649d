import Glibc

/// Lets one thread wait for what another does (sem_overview(7)). Neither makes a system call when the other was first.
@safe package final class Semaphore: @unchecked Sendable {
  // SAFETY: on the heap, as it must stay where it is, and this object's own; POSIX lets all threads use it at once.
  private let semaphore: UnsafeMutablePointer<sem_t>

  package init() {
    // SAFETY: memory for one semaphore, which nobody else knows yet.
    unsafe semaphore = .allocate(capacity: 1)
    unsafe sem_init(semaphore, 0, 0)
  }

  deinit {
    // SAFETY: nobody waits: who does has a reference to this object.
    unsafe sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  /// Lets one waiter go on, the one that waits or the next that comes.
  package func signal() {
    // SAFETY: the semaphore lives as long as this object.
    _ = unsafe sem_post(semaphore)
  }

  /// Returns when ``signal()`` was called once more often than this has returned.
  package func wait() {
    // SAFETY: as above. It fails only when a signal handler has run.
    while unsafe sem_wait(semaphore) != 0 {}
  }
}
