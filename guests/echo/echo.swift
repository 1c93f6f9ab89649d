import Hardware
import Synchronization

private let serialVector = Interrupts.firstAPICVector
private let serialLine = 4
private let isOver = Atomic<Bool>(false)

/// Sends back every byte that comes on the serial port, woken by the port's interrupt through the I/O APIC,
/// until a line says `exit`. Then it tells how many bytes it was sent and their checksum, for the sender to
/// compare. A byte that was lost inside the serial port is a failure here already.
///
/// With `virtio` on its command line it does so on a virtio console, which it polls, and tells how large the window is
/// when something is typed in a window of another size than before.
@main enum Echo: Guest {
  static func run(_ start: StartInfo) {
    let input = start.options.contains("virtio") ? echoOnVirtioConsole() : echoOnSerialPort()
    say("bytes=\(input.count) adler32=\(hex: UInt64(input.checksum), width: 8)")
  }

  private static func echoOnSerialPort() -> Input {
    var input = Input()
    Interrupts.configure()
    Interrupts.handle(serialVector) {
      while !isOver.load(ordering: .relaxed) {
        switch SerialPort.receive() {
        case .byte(let byte):
          SerialPort.write(byte)
          if input.take(byte) { isOver.store(true, ordering: .relaxed) }
        case .overrun: fail("the serial port was given more than it holds, after \(input.count) bytes")
        case .nothing: return
        }
      }
    }
    IOAPIC.route(line: serialLine, to: serialVector)
    SerialPort.enableReceiveInterrupt()
    say("echoing until a line says exit")
    Interrupts.wait { isOver.load(ordering: .relaxed) }
    return input
  }

  private static func echoOnVirtioConsole() -> Input {
    var input = Input()
    var console = VirtioConsole()
    var window = (columns: 0 as UInt32, rows: 0 as UInt32)
    var isOver = false
    say("echoing until a line says exit")
    while !isOver {
      let hasRead = console.echo { text in
        for index in 0..<text.bytes.count where input.take(text.bytes[index]) {
          isOver = true
          return index + 1
        }
        return text.bytes.count
      }
      guard hasRead else {
        pause_cpu()
        continue
      }
      if console.window != window {
        window = console.window
        say("window=\(window.columns)x\(window.rows)")
      }
    }
    return input
  }
}

/// All bytes received, boiled down.
private struct Input {
  private(set) var count = 0
  // The two sums of Adler-32 (RFC 1950, 8.2).
  private var low: UInt32 = 1
  private var high: UInt32 = 0
  /// Bytes of the current line that agree with "exit"; nil once one did not.
  private var matched: Int? = 0

  var checksum: UInt32 { high << 16 | low }

  /// Adds one byte; true at the end of a line that says `exit`. Either line end counts, since a terminal's
  /// key sends CR.
  mutating func take(_ byte: UInt8) -> Bool {
    count += 1
    low = (low + UInt32(byte)) % 65521
    high = (high + low) % 65521

    let word: StaticString = "exit"
    if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
      defer { matched = 0 }
      return matched == word.utf8CodeUnitCount
    }
    if let count = matched {
      matched = count < word.utf8CodeUnitCount && byte == word.byte(at: count) ? count + 1 : nil
    }
    return false
  }
}
