extension UART16550 {
  /// What a change of state asks of the device's surroundings.
  struct Effects: OptionSet {
    let rawValue: UInt8

    static let pulse = Effects(rawValue: 1)
    static let receiverHasRoom = Effects(rawValue: 2)
    /// The byte could not be taken: as much is held as the transmitter has room for.
    static let transmitterOverrun = Effects(rawValue: 4)
  }

  /// The registers, and the rules between them. Section numbers are those of the PC16550D data sheet (June 1995).
  struct State {
    private var interruptEnable: InterruptEnable = []
    private var lineControl: UInt8 = 0
    private var modemControl: ModemControl = []
    private var scratch: UInt8 = 0
    /// 9600 baud; kernels that take over what firmware has set read it.
    private var divisor: UInt16 = 12

    private var fifosEnabled = false
    /// The number of received bytes that raises the received-data interrupt.
    private var trigger = 1
    private var received = ByteFIFO()
    /// Bytes that the peer had no room for: the transmit FIFO, empty as long as the peer keeps up.
    private var held = ByteFIFO()

    private var overrun = false
    private var modemChanges: ModemStatus = []
    /// The transmitter-empty interrupt is pending: the transmitter became empty, or the interrupt was enabled while it
    /// was, and the guest has not seen it (8.6, table IV).
    private var transmitterEmptied = false

    /// Whether the peer was refused input since the receiver last had nothing.
    private var inputRefused = false
    /// How often the guest has looked for input in vain, and done nothing else.
    private var idleLooks = 0
    /// The level of the interrupt pin.
    private var pinIsHigh = false

    /// How many bytes each direction holds.
    private var capacity: Int { fifosEnabled ? ByteFIFO.capacity : 1 }
  }
}

// MARK: Registers

extension UART16550.State {
  private static let divisorLatchAccess: UInt8 = 0x80

  private var reachesDivisor: Bool { lineControl & Self.divisorLatchAccess != 0 }

  mutating func read(_ register: UInt64) -> (UInt8, UART16550.Effects) {
    switch register {
    case 0 where reachesDivisor: (UInt8(truncatingIfNeeded: divisor), [])
    case 0: readReceiver()
    case 1 where reachesDivisor: (UInt8(divisor >> 8), [])
    case 1: (interruptEnable.rawValue, [])
    case 2: readInterruptIdentification()
    case 3: (lineControl, [])
    case 4: (modemControl.rawValue, [])
    case 5: readLineStatus()
    case 6: readModemStatus()
    case 7: (scratch, [])
    default: (0xff, [])
    }
  }

  mutating func write(_ register: UInt64, _ value: UInt8, _ peer: any SerialPeer) -> UART16550.Effects {
    switch register {
    case 0 where reachesDivisor: divisor = divisor & 0xff00 | UInt16(value)
    case 0: return transmit(value, to: peer)
    case 1 where reachesDivisor: divisor = divisor & 0x00ff | UInt16(value) << 8
    case 1: return writeInterruptEnable(InterruptEnable(rawValue: value & 0x0f))
    case 2: return writeFIFOControl(value)
    case 3: lineControl = value
    case 4: return writeModemControl(ModemControl(rawValue: value & 0x1f))
    case 7: scratch = value
    default: break  // Line and modem status are for reading only (8.4, 8.9).
    }
    return []
  }

  /// Bits of the line status register (8.4), as far as a line without noise can set them.
  private struct LineStatus: OptionSet {
    let rawValue: UInt8
    static let dataReady = LineStatus(rawValue: 0x01)
    static let overrun = LineStatus(rawValue: 0x02)
    static let holdingRegisterEmpty = LineStatus(rawValue: 0x20)
    static let transmitterEmpty = LineStatus(rawValue: 0x40)
  }

  private mutating func readLineStatus() -> (UInt8, UART16550.Effects) {
    var status: LineStatus = []
    if !received.isEmpty { status.insert(.dataReady) }
    // What is held is in the FIFO and in the shift register: they become empty together.
    if held.isEmpty { status.formUnion([.holdingRegisterEmpty, .transmitterEmpty]) }
    if !isListening { idleLooks += 1 }
    guard overrun else { return (status.rawValue, offerRoom()) }
    status.insert(.overrun)
    let wasPending = interruptEnable.contains(.lineStatus)
    overrun = false
    return (status.rawValue, settle(again: wasPending))
  }

  private mutating func writeFIFOControl(_ value: UInt8) -> UART16550.Effects {
    let enable = value & 0x01 != 0
    let changes = enable != fifosEnabled
    fifosEnabled = enable
    // Changing the mode empties the FIFOs; other bits count only together with the enabling one (8.5).
    if changes || enable && value & 0x02 != 0 { received.removeAll() }
    if changes || enable && value & 0x04 != 0 {
      if !held.isEmpty { transmitterEmptied = true }
      held.removeAll()
    }
    trigger =
      switch value >> 6 {
      case 0: 1
      case 1: 4
      case 2: 8
      default: 14
      }
    return settle().union(offerRoom())
  }
}

// MARK: Data

extension UART16550.State {
  private mutating func readReceiver() -> (UInt8, UART16550.Effects) {
    guard !received.isEmpty else { return (0, []) }
    let wasPending = interruptEnable.contains(.receivedData)
    let byte = received.removeFirst()
    return (byte, settle(again: wasPending).union(offerRoom()))
  }

  /// Puts a byte on the line, or holds it when the peer has no room.
  mutating func transmit(_ byte: UInt8, to peer: any SerialPeer) -> UART16550.Effects {
    let wasPending = transmitterEmptied && interruptEnable.contains(.transmitterEmpty)
    if !isListening { idleLooks = 0 }
    if modemControl.contains(.loopback) {
      loop(byte)
      transmitterEmptied = true
      return settle(again: wasPending)
    }
    sendHeld(to: peer)
    if held.isEmpty, peer.transmit(byte) {
      transmitterEmptied = true
    } else if held.count < capacity {
      held.append(byte)
      transmitterEmptied = false
    } else {
      return .transmitterOverrun
    }
    return settle(again: wasPending)
  }

  /// Sends what is held, as far as the peer takes it.
  mutating func transmitHeld(to peer: any SerialPeer) -> UART16550.Effects {
    sendHeld(to: peer)
    return settle()
  }

  private mutating func sendHeld(to peer: any SerialPeer) {
    while !held.isEmpty, peer.transmit(held.first) {
      _ = held.removeFirst()
      if held.isEmpty { transmitterEmptied = true }
    }
  }

  /// Whether anybody in the guest will take input. What is sent to a kernel before its driver has started would be
  /// lost: drivers clear the receiver first. So the line keeps to hardware flow control, and sends when the guest
  /// requests it (RTS). Small kernels that leave the modem lines alone show that they listen by enabling the interrupt,
  /// or by looking at the line status again and again; a driver that waits for its transmitter looks at it once a byte.
  /// One that has set DTR knows about modem lines, and will set RTS when it is ready: Linux enables the interrupt
  /// before it switches the FIFOs on, which empties them.
  private var isListening: Bool {
    if modemControl.contains(.loopback) { return false }
    if modemControl.contains(.requestToSend) { return true }
    return !modemControl.contains(.dataTerminalReady) && (interruptEnable.contains(.receivedData) || idleLooks >= 16)
  }

  /// The line's input while the receiver is connected to it (in loopback mode it is not, 8.8) and the guest listens.
  mutating func receive(_ bytes: Span<UInt8>) -> (taken: Int, UART16550.Effects) {
    let room = isListening ? capacity - received.count : 0
    let taken = min(room, bytes.count)
    for index in 0..<taken { received.append(bytes[index]) }
    if taken < bytes.count { inputRefused = true }
    return (taken, settle(again: taken > 0))
  }

  /// The transmitter's output comes in at the receiver. Only so can the receiver overrun: the line waits, a loop
  /// cannot.
  private mutating func loop(_ byte: UInt8) {
    if received.count == capacity {
      overrun = true
      // The FIFO keeps what it has; without it the new byte takes the old one's place (8.4, bit 1).
      if fifosEnabled { return }
      received.removeAll()
    }
    received.append(byte)
  }

  /// Tells a peer that was refused when to go on: not for each byte that is read, but when all are.
  private mutating func offerRoom() -> UART16550.Effects {
    guard inputRefused, received.isEmpty, isListening else { return [] }
    inputRefused = false
    return .receiverHasRoom
  }
}

// MARK: Modem lines

extension UART16550.State {
  /// Bits of the modem control register (8.8).
  private struct ModemControl: OptionSet {
    let rawValue: UInt8
    static let dataTerminalReady = ModemControl(rawValue: 0x01)
    static let requestToSend = ModemControl(rawValue: 0x02)
    static let out1 = ModemControl(rawValue: 0x04)
    static let out2 = ModemControl(rawValue: 0x08)
    static let loopback = ModemControl(rawValue: 0x10)
  }

  /// Bits of the modem status register (8.9).
  private struct ModemStatus: OptionSet {
    let rawValue: UInt8
    static let clearToSendChanged = ModemStatus(rawValue: 0x01)
    static let dataSetReadyChanged = ModemStatus(rawValue: 0x02)
    static let ringEnded = ModemStatus(rawValue: 0x04)
    static let carrierChanged = ModemStatus(rawValue: 0x08)
    static let clearToSend = ModemStatus(rawValue: 0x10)
    static let dataSetReady = ModemStatus(rawValue: 0x20)
    static let ring = ModemStatus(rawValue: 0x40)
    static let carrierDetected = ModemStatus(rawValue: 0x80)
  }

  /// The four inputs: a peer that is always there, or in loopback mode the four outputs.
  private var modemInputs: ModemStatus {
    guard modemControl.contains(.loopback) else { return [.clearToSend, .dataSetReady, .carrierDetected] }
    var inputs: ModemStatus = []
    if modemControl.contains(.dataTerminalReady) { inputs.insert(.dataSetReady) }
    if modemControl.contains(.requestToSend) { inputs.insert(.clearToSend) }
    if modemControl.contains(.out1) { inputs.insert(.ring) }
    if modemControl.contains(.out2) { inputs.insert(.carrierDetected) }
    return inputs
  }

  private mutating func writeModemControl(_ value: ModemControl) -> UART16550.Effects {
    let before = modemInputs
    modemControl = value
    let changed = before.symmetricDifference(modemInputs)
    if changed.contains(.clearToSend) { modemChanges.insert(.clearToSendChanged) }
    if changed.contains(.dataSetReady) { modemChanges.insert(.dataSetReadyChanged) }
    if changed.contains(.carrierDetected) { modemChanges.insert(.carrierChanged) }
    // Of the ring indicator only the end counts.
    if changed.contains(.ring), before.contains(.ring) { modemChanges.insert(.ringEnded) }
    return settle().union(offerRoom())
  }

  private mutating func readModemStatus() -> (UInt8, UART16550.Effects) {
    let status = modemInputs.union(modemChanges)
    guard !modemChanges.isEmpty else { return (status.rawValue, []) }
    let wasPending = interruptEnable.contains(.modemStatus)
    modemChanges = []
    return (status.rawValue, settle(again: wasPending))
  }
}

// MARK: Interrupts

extension UART16550.State {
  /// Bits of the interrupt enable register (8.7).
  private struct InterruptEnable: OptionSet {
    let rawValue: UInt8
    static let receivedData = InterruptEnable(rawValue: 0x01)
    static let transmitterEmpty = InterruptEnable(rawValue: 0x02)
    static let lineStatus = InterruptEnable(rawValue: 0x04)
    static let modemStatus = InterruptEnable(rawValue: 0x08)
  }

  /// Why the pin is high, as the low four bits of the interrupt identification register say it (8.6, table IV).
  private enum Source: UInt8 {
    case none = 0b0001
    case lineStatus = 0b0110
    case receivedData = 0b0100
    case characterTimeout = 0b1100
    case transmitterEmpty = 0b0010
    case modemStatus = 0b0000
  }

  /// The enabled source that is pending and comes first.
  private var source: Source {
    if overrun, interruptEnable.contains(.lineStatus) { return .lineStatus }
    if !received.isEmpty, interruptEnable.contains(.receivedData) {
      return !fifosEnabled || received.count >= trigger ? .receivedData : .characterTimeout
    }
    if transmitterEmptied, interruptEnable.contains(.transmitterEmpty) { return .transmitterEmpty }
    if !modemChanges.isEmpty, interruptEnable.contains(.modemStatus) { return .modemStatus }
    return .none
  }

  private mutating func readInterruptIdentification() -> (UInt8, UART16550.Effects) {
    let source = source
    let value = source.rawValue | (fifosEnabled ? 0xc0 : 0)
    // The one source that is acknowledged by being seen.
    guard source == .transmitterEmpty else { return (value, []) }
    transmitterEmptied = false
    return (value, settle(again: true))
  }

  private mutating func writeInterruptEnable(_ value: InterruptEnable) -> UART16550.Effects {
    let enabled = value.subtracting(interruptEnable)
    interruptEnable = value
    // Drivers start sending by enabling this interrupt while the transmitter is empty, and expect it at once.
    if enabled.contains(.transmitterEmpty), held.isEmpty { transmitterEmptied = true }
    return settle().union(offerRoom())
  }

  /// Sets the pin to what the sources now say. To be called after every change of one.
  ///
  /// The interrupt controller sees edges only. A pin that rises is one. It is also pulsed when the guest has served a
  /// source and something is still pending, or when more input comes (`again`): on a real line bytes come one after the
  /// other and each brings its edge, while here sixteen are there at once, and a handler that serves one source or one
  /// byte per interrupt would wait for ever. Handlers that loop until nothing is pending see at most one idle
  /// interrupt.
  private mutating func settle(again: Bool = false) -> UART16550.Effects {
    let wasHigh = pinIsHigh
    pinIsHigh = source != .none
    return pinIsHigh && (again || !wasHigh) ? .pulse : []
  }
}
