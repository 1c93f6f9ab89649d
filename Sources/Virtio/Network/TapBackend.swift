import CLinux
import Host

/// A TAP device of the host (Linux' Documentation/networking/tuntap.rst), with virtio's header in front of each packet:
/// so checksums and segmentation are left to whoever is at the end of the way.
package final class TapBackend: NetworkBackend {
  private let device: Host.Descriptor
  package private(set) var isBlocked = false
  /// Until the device is removed under it.
  package private(set) var isLinkUp = true

  package let offloads: Features = [
    .networkChecksum, .networkHostTSO4, .networkHostTSO6, .networkHostECN,
    .networkGuestChecksum, .networkGuestTSO4, .networkGuestTSO6, .networkGuestECN,
  ]

  /// Opens the device of that name, or makes it, where the right is there.
  package init(named name: String) throws(SystemCallError) {
    // SAFETY: the string outlives the call, which only reads it.
    let number = unsafe name.withCString { unsafe linux_open_tap($0, UInt32(NetworkHeader.byteCount)) }
    device = Host.Descriptor(owning: try checked("TUNSETIFF", number))
  }

  package var sources: [Int32] { [device.number] }

  package func wantedEvents(_ source: Int, isStarved: Bool) -> EventLoop.Events {
    guard isLinkUp else { return [] }
    var events: EventLoop.Events = isStarved ? [] : .readable
    if isBlocked { events.insert(.writable) }
    return events
  }

  package func sourceReady(_ source: Int, _ events: EventLoop.Events) {
    if events.contains(.writable) { isBlocked = false }
  }

  package func close() {}

  /// What the guest can take; what it sends needs no setting.
  package func use(_ offloads: Features) {
    var flags: UInt32 = 0
    if offloads.contains(.networkGuestChecksum) { flags |= UInt32(TUN_F_CSUM) }
    if offloads.contains(.networkGuestTSO4) { flags |= UInt32(TUN_F_TSO4) }
    if offloads.contains(.networkGuestTSO6) { flags |= UInt32(TUN_F_TSO6) }
    if offloads.contains(.networkGuestECN) { flags |= UInt32(TUN_F_TSO_ECN) }
    _ = linux_set_tap_offloads(device.number, flags)
  }

  package func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    do throws(SystemCallError) {
      // SAFETY: the caller's packet, for the call.
      _ = unsafe try device.write(packet)
      return .sent
    } catch where error.errno == .again {
      isBlocked = true
      return .notNow
    } catch {
      // The packet makes no sense to the host, or the device is down.
      return .dropped
    }
  }

  package func flush() {}

  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    do throws(SystemCallError) {
      // SAFETY: the caller's buffer, for the call.
      let count = unsafe try device.read(into: buffer)
      return count >= NetworkHeader.byteCount ? count : nil
    } catch {
      if error.errno != .again, error.errno != .interrupted { isLinkUp = false }
      return nil
    }
  }
}
