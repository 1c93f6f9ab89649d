import Testing

@testable import Machine

@Suite struct VerdictTests {
  /// What each verdict is called and which exit status it has, as the design gives it.
  static let table: [(Verdict, name: String, status: Int32)] = [
    (.powerOff, "poweroff", 0), (.reset, "reset", 0), (.panic, "panic", 101), (.tripleFault, "tripleFault", 102),
    (.halted, "halted", 103), (.unsupported, "unsupported", 104), (.timeout, "timeout", 124), (.stopped, "stopped", 0),
    (.killed, "killed", 137), (.hostFailed, "hostFailed", 1), (.memoryLimit, "memoryLimit", 105), (.debugExit(0), "debugExit", 1),
    (.debugExit(1), "debugExit", 3), (.debugExit(21), "debugExit", 43), (.debugExit(63), "debugExit", 127),
    // The kernel keeps eight bits.
    (.debugExit(127), "debugExit", 255), (.debugExit(128), "debugExit", 1), (.debugExit(.max), "debugExit", 255),
  ]

  @Test func namesAndStatuses() {
    for (verdict, name, status) in Self.table {
      #expect(verdict.name == name)
      #expect(verdict.exitStatus == status, "\(verdict)")
    }
  }

  @Test("No exit status of the debug exit is that of success")
  func debugExitIsNeverSuccess() {
    for value in 0...511 as ClosedRange<UInt32> {
      let status = Verdict.debugExit(value).exitStatus
      #expect(status & 1 == 1 && (1...255).contains(status))
    }
  }

  @Test func codesAreBijective() {
    var seen: Set<[UInt32]> = []
    for (verdict, _, _) in Self.table {
      let (code, value) = verdict.code
      #expect(Verdict(code: code, value: value) == verdict)
      #expect(code != 0, "0 is a meter without a verdict")
      #expect(seen.insert([code, value]).inserted, "\(verdict)")
    }
    let known = Set(seen.map { $0[0] })
    for code in 0...1000 as ClosedRange<UInt32> {
      #expect((Verdict(code: code, value: 0) != nil) == known.contains(code))
    }
  }

  @Test func eachHasWordsOfItsOwn() {
    #expect(Set(Self.table.map { "\($0.0)" }).count == Self.table.count)
  }
}
