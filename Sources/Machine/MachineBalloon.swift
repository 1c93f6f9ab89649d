import Control
import Host
import Virtio

/// A machine's balloon with both its ends: what the guest is asked for, and the device that tells it.
struct MachineBalloon {
  private let control: BalloonControl
  private let transport: MMIOTransport

  init(_ control: BalloonControl, _ transport: MMIOTransport) {
    self.control = control
    self.transport = transport
  }

  /// Bytes that the guest shall give up, a multiple of ``BalloonControl/pageBytes``.
  var target: UInt64 { UInt64(control.targetPages) * BalloonControl.pageBytes }
  /// Bytes that the guest says it has given up.
  var actual: UInt64 { UInt64(control.actualPages) * BalloonControl.pageBytes }

  /// Asks the guest's kernel for ``report``; ``reportCame`` tells of it.
  ///
  /// - Returns: false when the guest has no driver that would say it.
  func requestReport() -> Bool { control.requestStatistics() }
  var reportCame: EventFD { control.statisticsCame }

  /// What the guest's kernel has said of its memory last.
  var report: MemoryReport {
    let statistics = control.statistics
    return MemoryReport.Item.allCases.reduce(into: MemoryReport()) { $0[$1] = statistics[$1.rawValue] }
  }

  func setTarget(_ bytes: UInt64) {
    control.targetPages = UInt32(bytes / BalloonControl.pageBytes)
    transport.configurationChanged()
  }
}
