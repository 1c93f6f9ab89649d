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
}
