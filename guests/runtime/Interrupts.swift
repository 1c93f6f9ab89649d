import Hardware

/// The interrupt descriptor table and what is called through it.
///
/// | vectors | from |
/// |---|---|
/// | 0x00–0x1f | exceptions: a report, and the guest has failed |
/// | 0x20–0x2f | the 8259 pair, lines 0 to 15 |
/// | 0x30–0x3e | the local APIC: its timer, the I/O APIC |
/// | 0x3f | the local APIC's spurious interrupts |
enum Interrupts {
  static let firstPICVector = 0x20
  static let firstAPICVector = 0x30
  static let spuriousVector = 0x3f

  private struct Gate {
    var low: UInt64 = 0
    var high: UInt64 = 0
  }

  // SAFETY: written while interrupts are off and one processor runs; the handler only reads.
  nonisolated(unsafe) private static var gates = InlineArray<64, Gate>(repeating: Gate())
  nonisolated(unsafe) private static var handlers = InlineArray<64, (() -> Void)?>(repeating: nil)

  /// Fills the table, masks every line of the 8259s and switches the local APIC on. Interrupts stay off:
  /// they come only in `wait_for_interrupt`.
  static func configure() {
    for vector in 0..<64 { setGate(vector, to: interrupt_stub(Int32(vector))) }
    loadTable()
    PIC.configure()
    LocalAPIC.enable()
  }

  /// Has the processor go to `address` at this vector, with nothing of the runtime in between.
  static func setGate(_ vector: Int, to address: UInt64) {
    // SDM volume 3, 6.14.1: offset, code segment 0x08, present interrupt gate of 64 bits (0x8e).
    let low = address & 0xffff | 0x08 << 16 | 0x8e00 << 32 | (address >> 16 & 0xffff) << 48
    // SAFETY: one processor configures, with interrupts off.
    unsafe gates[vector] = Gate(low: low, high: address >> 32)
  }

  /// Makes the calling processor use the table.
  static func loadTable() {
    // SAFETY: the table is static, so its address stays good after the closure.
    unsafe withUnsafePointer(to: &gates) {
      lidt(UInt(bitPattern: $0), UInt16(64 * MemoryLayout<Gate>.size - 1))
    }
  }

  /// Has `handler` called at every interrupt with this vector, on the stack of what it interrupts. The end
  /// of interrupt is signalled for it.
  static func handle(_ vector: Int, with handler: @escaping () -> Void) {
    // SAFETY: handlers are set before their interrupts are let in.
    unsafe handlers[vector] = handler
  }

  /// Sleeps until an interrupt was handled, again and again until `condition` holds.
  static func wait(until condition: () -> Bool) {
    while !condition() { wait_for_interrupt() }
  }

  fileprivate static func dispatch(_ frame: interrupt_frame) {
    let vector = Int(frame.vector)
    guard vector >= firstPICVector else { reportException(frame) }
    // Without a handler it is a spurious interrupt, which wants no end of interrupt either (8259A data sheet;
    // SDM volume 3, 10.9).
    // SAFETY: see `handle`.
    guard let handler = unsafe handlers[vector] else { return }
    handler()
    if vector < firstAPICVector {
      PIC.endInterrupt(line: vector - firstPICVector)
    } else {
      LocalAPIC.endInterrupt()
    }
  }

  private static func reportException(_ frame: interrupt_frame) -> Never {
    fail(
      """
      exception \(frame.vector) with error code \(hex: frame.error_code) at RIP \(hex: frame.rip), \
      RSP \(hex: frame.rsp), CR2 \(hex: read_cr2())
      """)
  }
}

/// Called by interrupts.S.
@c(handleInterrupt)
func handleInterrupt(_ frame: UnsafePointer<interrupt_frame>) {
  // SAFETY: the stub built the frame on the stack and keeps it until this returns.
  Interrupts.dispatch(unsafe frame.pointee)
}
