import Host
import Metering

/// Requests of a disk that its limits hold back, in the order in which they came: reads and writes apart, but where
/// they have a limit in common.
struct HeldRequests {
  struct Request {
    let tag: Int
    let direction: FlowDirection
    let bytes: UInt64
  }

  private struct Line {
    var requests: [Request] = []
    var limited = LimitedLine()
    /// Up to when the wait of its first request is in the meter.
    var counted = Instant(nanoseconds: 0)
  }

  private let limiter: RateLimiter
  private let meter: DiskMeter?
  private var lines = InlineArray<2, Line>(repeating: Line())
  /// When the next one may go; nil while none is held.
  private(set) var wakeAt: Instant?

  init(_ limiter: RateLimiter, _ meter: DiskMeter?) {
    self.limiter = limiter
    self.meter = meter
  }

  /// Asks for a request to go through. One that must wait is kept here.
  mutating func admit(_ request: Request, at now: Instant) -> RateLimiter.Admission {
    // What no limit counts need not wait behind those that one holds back.
    if request.bytes == 0, !limiter.countsOperations(request.direction) { return .now }
    let index = limiter.isShared ? 0 : request.direction.rawValue
    let admission: RateLimiter.Admission
    if lines[index].requests.isEmpty {
      lines[index].limited.end()
      admission = lines[index].limited.admit(limiter, request.direction, bytes: request.bytes, at: now)
      lines[index].counted = now
    } else {
      admission = .later(wakeAt ?? now)
    }
    if case .later(let instant) = admission {
      lines[index].requests.append(request)
      wakeAt = min(wakeAt ?? instant, instant)
    }
    return admission
  }

  /// Takes those whose time has come, each with whether it may go or is to be refused.
  mutating func release(at now: Instant) -> [(request: Request, isAllowed: Bool)] {
    var released: [(Request, Bool)] = []
    wakeAt = nil
    for index in 0..<2 {
      guard let first = lines[index].requests.first else { continue }
      meter?.countThrottled(first.direction, nanoseconds: now.nanoseconds(since: lines[index].counted))
      lines[index].counted = now
      var count = 0
      for request in lines[index].requests {
        let admission = lines[index].limited.admit(limiter, request.direction, bytes: request.bytes, at: now)
        if case .later(let instant) = admission {
          wakeAt = min(wakeAt ?? instant, instant)
          break
        }
        released.append((request, admission == .now))
        count += 1
      }
      lines[index].requests.removeFirst(count)
    }
    return released
  }
}
