import Host
import Metering

/// Requests of a disk that its limits hold back: reads and writes each in a line, in the order in which they came.
struct HeldRequests {
  struct Request {
    let tag: Int
    let direction: FlowDirection
    let bytes: UInt64
  }

  private struct Line {
    /// Each with its number, by which it is older than those of the other line or not.
    var requests: [(number: UInt64, request: Request)] = []
    var limited = LimitedLine()
    /// What its first request waits for; nil when it is yet to ask, or there is none.
    var wait: RateLimiter.Wait?
    /// Up to when the wait of its first request is in the meter.
    var counted = Instant(nanoseconds: 0)
  }

  private let limiter: RateLimiter
  private let meter: DiskMeter?
  private var lines = InlineArray<2, Line>(repeating: Line())
  private var nextNumber: UInt64 = 0

  init(_ limiter: RateLimiter, _ meter: DiskMeter?) {
    self.limiter = limiter
    self.meter = meter
  }

  /// When the next one may go; nil while none is held.
  var wakeAt: Instant? { RateLimiter.Wait.end(ofFirst: lines[0].wait, lines[1].wait) }

  /// Asks for a request to go through. One that must wait is kept here.
  mutating func admit(_ request: Request, at now: Instant) -> RateLimiter.Admission {
    // What no limit counts need not wait behind those that one holds back.
    if request.bytes == 0, !limiter.countsOperations(request.direction) { return .now }
    let index = request.direction.rawValue
    if let wait = lines[index].wait {
      append(request)
      return .later(wait)
    }
    lines[index].limited.end()
    lines[index].counted = now
    let admission = ask(request, at: now)
    if case .later = admission { append(request) }
    return admission
  }

  /// Takes those whose time has come, each with whether it may go or is to be refused.
  mutating func release(at now: Instant) -> [(request: Request, isAllowed: Bool)] {
    for direction in FlowDirection.allCases {
      let index = direction.rawValue
      guard lines[index].wait != nil else { continue }
      meter?.countThrottled(direction, nanoseconds: now.nanoseconds(since: lines[index].counted))
      lines[index].counted = now
      lines[index].wait = nil
    }
    var released: [(Request, Bool)] = []
    while let request = oldestToAsk {
      let admission = ask(request, at: now)
      if case .later = admission { continue }
      lines[request.direction.rawValue].requests.removeFirst()
      released.append((request, admission == .now))
    }
    return released
  }

  private mutating func append(_ request: Request) {
    lines[request.direction.rawValue].requests.append((nextNumber, request))
    nextNumber += 1
  }

  /// The older of the two first requests, of those that were not told to wait.
  private var oldestToAsk: Request? {
    var oldest: (number: UInt64, request: Request)?
    for index in 0..<2 where lines[index].wait == nil {
      guard let first = lines[index].requests.first, first.number < oldest?.number ?? .max else { continue }
      oldest = first
    }
    return oldest?.request
  }

  /// Asks for the first of a line. What the other line waits with has come before it.
  private mutating func ask(_ request: Request, at now: Instant) -> RateLimiter.Admission {
    let index = request.direction.rawValue
    let admission: RateLimiter.Admission
    // The first to ask would have every token of a bucket that the older one waits for.
    if let older = lines[1 - index].wait, older.concerns(request.direction, bytes: request.bytes) {
      lines[index].limited.yield(until: older.until)
      admission = .later(older)
    } else {
      admission = lines[index].limited.admit(limiter, request.direction, bytes: request.bytes, at: now)
    }
    if case .later(let wait) = admission { lines[index].wait = wait }
    return admission
  }
}
