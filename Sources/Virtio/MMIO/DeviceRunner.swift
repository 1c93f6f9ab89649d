import Host

/// Runs a virtio device on the I/O thread: hands it notifications and the events that it waits for.
package final class DeviceRunner {
  private let transport: MMIOTransport
  private unowned let loop: EventLoop
  /// What the loop waits for at each source. Nothing: the source is not in the loop, since a peer that has hung up
  /// would be reported over and over.
  private var watched: [(number: Int32, events: EventLoop.Events)]

  /// Starts to listen. The loop must run on the calling thread, and outlive the runner.
  package init(_ transport: MMIOTransport, on loop: EventLoop) throws(SystemCallError) {
    self.transport = transport
    self.loop = loop
    watched = transport.sources.map { ($0, []) }
    try listen(transport.attention) { $0.transport.lookAfter() }
    for (index, doorbell) in transport.doorbells.enumerated() {
      try listen(doorbell) { $0.transport.doorbellRang(index) }
    }
  }

  /// Stops listening; to be called before the loop or the machine ends.
  package func close() {
    for event in [transport.attention] + transport.doorbells { loop.remove(event.number) }
    for index in watched.indices where !watched[index].events.isEmpty {
      loop.remove(watched[index].number)
      watched[index].events = []
    }
  }

  private func listen(_ event: EventFD, _ action: @escaping (DeviceRunner) -> Void) throws(SystemCallError) {
    try loop.add(event.number, .readable) { [unowned self] _ in
      event.drain()
      action(self)
      updateWatches()
    }
  }

  /// Waits for what the device now wants to hear of.
  private func updateWatches() {
    for index in watched.indices {
      let wanted = transport.wantedEvents(index)
      if wanted == watched[index].events { continue }
      if watched[index].events.isEmpty {
        watched[index].number = transport.sources[index]
        // The host has no memory left for a watch: the device is deaf there until it asks again.
        guard (try? loop.add(watched[index].number, wanted, { [unowned self] events in
          transport.sourceReady(index, events)
          updateWatches()
        })) != nil else { continue }
      } else if wanted.isEmpty {
        loop.remove(watched[index].number)
      } else {
        loop.change(watched[index].number, to: wanted)
      }
      watched[index].events = wanted
    }
  }
}
