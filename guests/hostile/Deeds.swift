import Hardware

/// What a driver must not do (virtio 1.2, 2.7 and 5.2.6), one after the other. Each is told with the disk's answer;
/// then the disk is reset, and has to work. Wherever it is a request that is spoilt, that would have written to the
/// disk.
struct Deeds {
  var victim: Victim

  mutating func doAll() {
    spoilChains()
    spoilRequests()
    spoilQueues()
    spoilNegotiation()
  }

  /// Makes the disk ask for a reset so many times.
  mutating func flood(_ count: UInt64) {
    for _ in 0..<count {
      victim.start()
      let answer = victim.offer(head: 4096)
      expect(answer == .needsReset, "the disk answers \(answer.text)")
    }
    say("resets=\(count)")
  }

  private mutating func attempt(_ name: StaticString, _ deed: (inout Victim) -> Victim.Answer) {
    victim.start()
    victim.describe(Victim.write)
    say("\(name): \(deed(&victim).text)")
    victim.start()
    expect(victim.doOneRead() == .done, "after \(name) the disk does not work any more")
  }

  // MARK: Chains of descriptors

  private mutating func spoilChains() {
    attempt("a head beyond the table") { $0.offer(head: 4096) }
    attempt("a descriptor that leads beyond the table") {
      $0.queue.describe(1, address: UInt64($0.data), count: 512, flags: Victim.next, next: 999)
      return $0.offer()
    }
    attempt("a chain that loops") {
      $0.queue.describe(1, address: UInt64($0.data), count: 512, flags: Victim.next, next: 0)
      return $0.offer()
    }
    attempt("a buffer without a byte") {
      $0.queue.describe(1, address: UInt64($0.data), count: 0, flags: Victim.next, next: 2)
      return $0.offer()
    }
    attempt("a buffer where there is no memory") {
      $0.queue.describe(1, address: 0xe000_0000, count: 512, flags: Victim.next, next: 2)
      return $0.offer()
    }
    attempt("a buffer over the end of all addresses") {
      $0.queue.describe(1, address: .max - 511, count: 4096, flags: Victim.next, next: 2)
      return $0.offer()
    }
    attempt("a buffer to read after one to write") {
      $0.queue.describe(0, address: UInt64($0.header), count: 16, flags: Victim.next | Victim.writable, next: 1)
      return $0.offer()
    }
    attempt("an indirect table that was not agreed on") {
      $0.queue.describe(0, address: UInt64($0.data), count: 48, flags: Victim.indirect)
      return $0.offer()
    }
  }

  // MARK: Requests

  private mutating func spoilRequests() {
    attempt("no place for the status") {
      $0.queue.describe(2, address: UInt64($0.status), count: 1, flags: 0)
      return $0.offer()
    }
    attempt("a write from memory that is to be filled") {
      $0.queue.describe(1, address: UInt64($0.data), count: 512, flags: Victim.next | Victim.writable, next: 2)
      return $0.offer()
    }
    attempt("half a sector") {
      $0.queue.describe(1, address: UInt64($0.data), count: 256, flags: Victim.next, next: 2)
      return $0.offer()
    }
    attempt("a sector past the end") { victim in
      victim.describe(Victim.write, sector: victim.sectors)
      return victim.offer()
    }
    attempt("sectors over the end") { victim in
      victim.describe(Victim.write, sector: victim.sectors - 1)
      victim.queue.describe(1, address: UInt64(victim.data), count: 1024, flags: Victim.next, next: 2)
      return victim.offer()
    }
    attempt("a sector whose place is no number") {
      $0.describe(Victim.write, sector: 1 << 55)
      return $0.offer()
    }
    attempt("a request of no kind") {
      $0.describe(99)
      return $0.offer()
    }
  }

  // MARK: Queues

  private mutating func spoilQueues() {
    attempt("an available index that runs ahead") {
      $0.queue.announce(1000)
      $0.device.notify(queue: 0)
      return $0.answer()
    }
    attempt("a queue that moves while it is in use") {
      $0.device.write(.queueDescLow, UInt32($0.data))
      return $0.offer()
    }
    attempt("a queue of three descriptors") {
      _ = $0.device.negotiate(wanting: 0)
      $0.device.write(.queueSel, 0)
      $0.device.write(.queueNum, 3)
      $0.device.write(.queueReady, 1)
      return $0.answer()
    }
    attempt("a queue where there is no memory") {
      _ = $0.device.negotiate(wanting: 0)
      $0.device.write(.queueSel, 0)
      $0.device.write(.queueNum, 8)
      $0.device.write(.queueDescLow, 0xe000_0000)
      $0.device.write(.queueReady, 1)
      return $0.answer()
    }
    attempt("a request to a disk that needs a reset") {
      expect($0.offer(head: 4096) == .needsReset, "the disk goes on")
      $0.queue.offer(0)
      $0.device.notify(queue: 0)
      for _ in 0..<2000 where $0.queue.takeUsed() != nil { return .done }
      return .nothing
    }
    // A read, as a disk that has just been started may look at its queue without being told to.
    attempt("a notification of a queue that is not there") {
      $0.describe(Victim.read)
      $0.queue.offer(0)
      $0.device.notify(queue: 7)
      let answer = $0.answerIfAny()
      return answer == .done ? .nothing : answer
    }
  }

  // MARK: The way to DRIVER_OK

  private mutating func spoilNegotiation() {
    attempt("a notification before DRIVER_OK") {
      $0.prepare()
      $0.queue.offer(0)
      $0.device.notify(queue: 0)
      return $0.answerIfAny()
    }
    attempt("a feature that is not offered") { victim in
      let offered = victim.device.beginAnew()
      return victim.device.choose(offered | 1 << 63) ? .done : .refused
    }
    attempt("the legacy interface") { victim in
      let offered = victim.device.beginAnew()
      return victim.device.choose(offered & ~VirtioDevice.version1) ? .done : .refused
    }
    attempt("a disk that is made larger") { victim in
      victim.device.writeConfiguration(4, 1)
      return victim.device.configuration(4) == UInt32(victim.sectors >> 32) ? .nothing : .done
    }
  }
}
