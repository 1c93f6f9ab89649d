import Devices
import Host
import Metering

/// The marks of a kernel and its first program, by which its boot is timed.
///
/// A kernel's own mark is at port 0x80. It is believed only as the first byte that comes there: other kernels write to
/// the port to lose a microsecond, with whatever a register holds.
enum PostMark {
  /// The kernel's first instruction.
  static let kernelEntered: UInt8 = 1
  /// The first program; Firecracker's guests write this to the boot timer.
  static let initReached: UInt8 = 123

  /// What marks tell.
  struct Told {
    private(set) var kernelEntered: Instant?
    /// When each of those that are marks came first.
    private(set) var initReached: [InitSource: Instant] = [:]

    /// - Parameter marks: in the order in which they came.
    init(_ marks: some Sequence<Mark>) {
      var isFirst = true
      for mark in marks {
        switch (mark.source, mark.byte) {
        case (.postCode, PostMark.kernelEntered) where isFirst: kernelEntered = mark.instant
        case (.postCode, PostMark.initReached) where kernelEntered != nil: reached(.postCode, mark.instant)
        case (.bootTimer, PostMark.initReached): reached(.mark, mark.instant)
        default: break
        }
        if mark.source == .postCode { isFirst = false }
      }
    }

    private mutating func reached(_ source: InitSource, _ instant: Instant) {
      if initReached[source] == nil { initReached[source] = instant }
    }
  }

  struct Mark {
    let source: MarkSource
    let byte: UInt8
    let instant: Instant
  }
}

extension MeterReading {
  /// The guest's marks, but those of devices that are not known.
  var postMarks: [PostMark.Mark] {
    marks.compactMap { mark in
      MarkSource(code: mark.source).map { PostMark.Mark(source: $0, byte: mark.byte, instant: mark.instant) }
    }
  }
}
