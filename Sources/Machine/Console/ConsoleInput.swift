import Host
import Metering

/// What is typed on a guest's console, on its way to the guest's device; on the I/O thread.
///
/// Nothing is lost: what the device has no room for waits here, and from who types more than that nothing is read.
final class ConsoleInput {
  /// The guest's end of the line, nil between two starts of the machine.
  private var device: (any ConsoleDevice)?
  /// The host's end of the console; nil: there is none to read from.
  private let file: SharedDescriptor?
  private let loop: EventLoop
  private let meter: MeterPage
  /// Signalled when the device can take more.
  private let room: EventFD

  /// What was typed and the device had no room for.
  private var pending: [UInt8] = []
  private static let mostPending = 64 << 10
  private var state = State.closed
  private enum State { case closed, watched, paused, alwaysReady }

  /// Bytes that were typed so far, and those that the device has taken of them.
  private(set) var offered: UInt64 = 0
  private(set) var taken: UInt64 = 0
  private var actions: [() -> Void] = []

  init(from file: SharedDescriptor?, room: EventFD, loop: EventLoop, meter: MeterPage) {
    self.file = file
    self.room = room
    self.loop = loop
    self.meter = meter
  }

  func start() throws(SystemCallError) {
    try loop.add(room.number, .readable) { [unowned self] _ in
      room.drain()
      feed()
    }
    if let file { watch(file.number) }
  }

  func attach(_ device: any ConsoleDevice) {
    self.device = device
    feed()
  }

  func detach() { device = nil }

  /// Has `action` called whenever the device has had what it takes at that moment.
  func whenTaken(_ action: @escaping () -> Void) { actions.append(action) }

  /// Whether more may be offered. A sender that has no way to wait may offer what it has, once.
  var hasRoom: Bool { pending.count < Self.mostPending }

  /// Types what a viewer has sent.
  func offer(_ bytes: [UInt8]) {
    take(bytes)
    feed()
  }

  private func take(_ bytes: [UInt8]) {
    pending += bytes
    offered += UInt64(bytes.count)
  }

  /// Gives the device what it takes, and reads on from the host's end only when it has taken all.
  private func feed() {
    if let device, !pending.isEmpty {
      let count = device.receive(pending.span)
      meter.count(count, .input)
      pending.removeFirst(count)
      taken += UInt64(count)
    }
    for action in actions { action() }
    guard let number = file?.number else { return }
    switch (state, pending.isEmpty) {
    case (.watched, false):
      loop.remove(number)
      state = .paused
    case (.paused, true): watch(number)
    case (.alwaysReady, true): read()
    default: break
    }
  }

  private func watch(_ number: Int32) {
    do throws(SystemCallError) {
      try loop.add(number, .readable) { [unowned self] _ in read() }
      state = .watched
    } catch {
      // Regular files cannot be waited for, and need not be.
      state = .alwaysReady
      room.signal()
    }
  }

  private func read() {
    do throws(SystemCallError) {
      let bytes = try file!.descriptor.read(atMost: 4096)
      guard !bytes.isEmpty else { return close() }
      take(bytes)
    } catch where error.errno == .again || error.errno == .interrupted {
      return
    } catch {
      return close()
    }
    feed()
  }

  private func close() {
    if state == .watched, let file { loop.remove(file.number) }
    state = .closed
  }
}
