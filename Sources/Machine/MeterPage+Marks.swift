import Devices
import Host
import Metering

extension MeterPage: MarkRecorder {
  /// Keeps the guest's marks in its meter, where they outlive it.
  package func record(_ mark: UInt8, from source: MarkSource, at instant: Instant) {
    addMark(mark, source: source.code, at: instant)
  }
}

extension MarkSource {
  /// The source as the meter page has it.
  package var code: UInt8 {
    switch self {
    case .bootTimer: 0
    case .postCode: 1
    }
  }

  /// The source of a code that ``code`` gave, nil for any other.
  package init?(code: UInt8) {
    switch code {
    case Self.bootTimer.code: self = .bootTimer
    case Self.postCode.code: self = .postCode
    default: return nil
    }
  }

  /// The word for it in JSON.
  package var name: String {
    switch self {
    case .bootTimer: "boot_timer"
    case .postCode: "post_code"
    }
  }
}
