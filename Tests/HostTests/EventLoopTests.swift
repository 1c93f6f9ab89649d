import Host
import Testing

@Suite("Event loop")
struct EventLoopTests {
  @Test func handlersMayRemoveThemselvesAndOthers() throws {
    let loop = try EventLoop()
    let events = try (0..<4).map { _ in try EventFD() }
    var calls: [Int] = []
    for (index, event) in events.enumerated() {
      try loop.add(event.number, .readable) { _ in
        calls.append(index)
        // Whoever comes first silences all, itself included; they stay ready.
        for other in events { loop.remove(other.number) }
        loop.stop()
      }
      event.signal()
    }
    try loop.run()
    #expect(calls.count == 1)
    // And nothing is left of them: a new watch of the same descriptor is possible, and runs.
    try loop.add(events[3].number, .readable) { _ in
      calls.append(9)
      loop.stop()
    }
    try loop.run()
    #expect(calls.last == 9)
  }

  @Test func handlersMayAdd() throws {
    let loop = try EventLoop()
    let first = try EventFD()
    let second = try EventFD()
    var calls: [String] = []
    var failure: SystemCallError?
    try loop.add(first.number, .readable) { _ in
      first.drain()
      calls.append("first")
      do throws(SystemCallError) {
        try loop.add(second.number, .readable) { _ in
          calls.append("second")
          loop.stop()
        }
      } catch { failure = error }
      second.signal()
    }
    first.signal()
    try loop.run()
    #expect(failure == nil)
    #expect(calls == ["first", "second"])
  }

  @Test func interestCanChange() throws {
    let loop = try EventLoop()
    let pipe = try Pipe()
    let number = pipe.writing.number
    let tick = try EventFD()
    var writable = 0
    var ticks = 0
    try loop.add(number, .writable) { events in
      #expect(events == .writable)
      writable += 1
      loop.change(number, to: [])
      tick.signal()
    }
    try loop.add(tick.number, .readable) { _ in
      ticks += 1
      if ticks == 1 { return }
      tick.drain()
      loop.stop()
    }
    try loop.run()
    #expect(writable == 1)
  }

  @Test func hangUpIsReported() throws {
    let loop = try EventLoop()
    let reading: Descriptor
    do {
      let pipe = try Pipe()
      reading = try Descriptor.duplicate(of: pipe.reading.number)
    }
    var seen: EventLoop.Events = []
    try loop.add(reading.number, []) { events in
      seen = events
      loop.stop()
    }
    try loop.run()
    #expect(seen == .hangUp)
  }

  @Test func regularFilesCannotBeWaitedFor() throws {
    let loop = try EventLoop()
    let file = try Descriptor.memory(named: "test")
    #expect(throws: SystemCallError("epoll_ctl", .notPermitted)) { try loop.add(file.number, .readable) { _ in } }
  }

  @Test func moreDescriptorsThanOneBatch() throws {
    let loop = try EventLoop()
    let events = try (0..<100).map { _ in try EventFD() }
    var counts = [Int](repeating: 0, count: events.count)
    for (index, event) in events.enumerated() {
      try loop.add(event.number, .readable) { _ in
        event.drain()
        counts[index] += 1
        if counts.allSatisfy({ $0 > 0 }) { loop.stop() }
      }
      event.signal()
    }
    try loop.run()
    #expect(counts == Array(repeating: 1, count: 100))
  }
}
