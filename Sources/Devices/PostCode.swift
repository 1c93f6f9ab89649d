import Host
import Synchronization

/// Port 0x80, where firmware writes how far its power-on self-test has come: every byte is a mark.
///
/// Kernels also write to it when they only want to lose a microsecond, so a write must be cheap, and most bytes mean
/// nothing. What was written can be read back, as from the DMA page register that answers there in a PC.
package final class PostCode: BusDevice {
  /// The number of ports that the device claims.
  package static let portCount: UInt64 = 1

  private let last = Atomic<UInt8>(0)
  private let recorder: any MarkRecorder

  package init(recorder: any MarkRecorder) { self.recorder = recorder }

  package func read(offset: UInt64, size: Int) -> UInt64 { UInt64(last.load(ordering: .relaxed)) }

  package func write(offset: UInt64, size: Int, value: UInt64) {
    let now = Instant.now
    let code = UInt8(truncatingIfNeeded: value)
    last.store(code, ordering: .relaxed)
    recorder.record(code, from: .postCode, at: now)
  }
}
