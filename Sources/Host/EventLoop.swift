import CLinux

/// Waits for many descriptors at once (epoll(7)) and calls the handler of each that is ready.
///
/// It belongs to one thread: handlers run on it, and may add, change and remove watches while they do.
package final class EventLoop {
  /// What a descriptor is waited for, and what it was found ready for.
  package struct Events: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Events(rawValue: EPOLLIN.rawValue)
    package static let writable = Events(rawValue: EPOLLOUT.rawValue)
    /// The other side is gone; always reported.
    package static let hangUp = Events(rawValue: EPOLLHUP.rawValue)
    /// The descriptor is in error; always reported.
    package static let error = Events(rawValue: EPOLLERR.rawValue)
  }

  package typealias Handler = (Events) -> Void

  private let epoll: Descriptor
  /// By descriptor: the kernel gives out the lowest number that is free.
  private var handlers: [Handler?] = []
  private var isStopped = false

  package init() throws(SystemCallError) {
    epoll = Descriptor(owning: try checked("epoll_create", linux_epoll()))
  }

  /// Calls `handler` whenever `number` is ready for one of `events`, level-triggered. The descriptor must stay open
  /// until ``remove(_:)``.
  ///
  /// - Throws: `EPERM` for regular files, which are always ready and cannot be waited for.
  package func add(_ number: Int32, _ events: Events, _ handler: @escaping Handler) throws(SystemCallError) {
    try checked("epoll_ctl", linux_epoll_control(epoll.number, EPOLL_CTL_ADD, number, events.rawValue))
    let index = Int(number)
    while handlers.count <= index { handlers.append(nil) }
    handlers[index] = handler
  }

  /// Changes what a watched descriptor is waited for; nothing leaves it watched for errors only.
  package func change(_ number: Int32, to events: Events) {
    _ = linux_epoll_control(epoll.number, EPOLL_CTL_MOD, number, events.rawValue)
  }

  package func remove(_ number: Int32) {
    if handlers.indices.contains(Int(number)) { handlers[Int(number)] = nil }
    _ = linux_epoll_control(epoll.number, EPOLL_CTL_DEL, number, 0)
  }

  /// Runs handlers until ``stop()`` is called from one of them.
  package func run() throws(SystemCallError) {
    isStopped = false
    var batch = InlineArray<16, linux_event>(repeating: linux_event())
    while !isStopped {
      // SAFETY: the call fills at most LINUX_EVENTS_MAX entries, which is what the array holds.
      let count = unsafe withUnsafeMutablePointer(to: &batch) { batch in
        unsafe batch.withMemoryRebound(to: linux_event.self, capacity: 16) { unsafe linux_epoll_wait(epoll.number, $0) }
      }
      if count == -Errno.interrupted.rawValue { continue }
      for index in 0..<Int(try checked("epoll_wait", count)) where !isStopped {
        // Looked up for each event: an earlier handler of this batch may have removed it.
        handlers[Int(batch[index].fd)]?(Events(rawValue: batch[index].events))
      }
    }
  }

  /// Ends ``run()`` when the handler that called this returns.
  package func stop() { isStopped = true }
}
