import Testing

extension Case {
  /// A guest whose kernel is a file of the case's own, and that has been reset some times.
  private static let resetting = """
    cp $GUESTS/reset.elf kernel
    rowhouse run kernel --on-reset reset > out & supervisor=$!
    until [ "$(grep -c booted out)" -ge 5 ]; do sleep 0.02; done
    """

  /// What guests do with the machine's devices.
  static let devices: [Case] = [
    Case(
      "timers-agree", guest: "ticks.elf",
      says: ["local APIC timer:", "power management timer:"], verdict: "poweroff"),
    Case("marks", guest: "marks.elf", says: ["set 4 marks"], verdict: "poweroff") { $0.expectMarks([123, 1, 2, 3]) },
    Case("port-exits-are-counted", guest: "portexits.elf", words: "count=20000", verdict: "poweroff") { outcome in
      // All but the loop's own are for the few lines that the guest prints.
      #expect((20_000...22_000).contains(outcome.exits("port_write")), "\(outcome.exits("port_write")) port writes")
    },
    // Of the loop's exits none is lost, and each was away for some time.
    Case(
      "exits-are-profiled",
      script: """
        rowhouse-vmm --kernel $GUESTS/portexits.elf --cmdline count=20000 --exit-profile profile || exit
        awk '$1 == "exit" && $2 == "port_write" { count += $4; time += $5 }
          END { exit !(count >= 20000 && time > 20000) }' \
          profile && grep -q '^kvm ' profile && rm profile
        """),

    // Input, with every byte there is, also those that a terminal would take for keys.
    Case(
      "input-by-a-pipe",
      script: """
        { await out 'echoing until'; cat data; } | rowhouse run $GUESTS/echo.elf --verdict verdict --timeout 30 > out
        status=$?
        cat out; rm out
        exit $status
        """, files: ["data": input], verdict: "poweroff"
    ) { $0.expectEcho(of: input) },
    // A byte that comes before the guest listens waits for it.
    Case(
      "input-before-the-guest-listens",
      script: """
        rowhouse run $GUESTS/echo.elf --verdict verdict --timeout 30 < data > out; status=$?
        cat out; rm out
        exit $status
        """, files: ["data": input], verdict: "poweroff"
    ) { $0.expectEcho(of: input) },
    Case(
      "input-by-a-pseudo-terminal",
      script: """
        rowhouse run $GUESTS/echo.elf --console pty --verdict verdict --timeout 30 2> said & supervisor=$!
        await said /dev/pts/
        pty=$(sed -n 's,.*\\(/dev/pts/[0-9]*\\).*,\\1,p' said)
        cat $pty > out & reader=$!
        await out 'echoing until'
        cat data > $pty
        wait $supervisor; status=$?
        wait $reader
        cat out; rm out said
        exit $status
        """, files: ["data": input], verdict: "poweroff"
    ) { $0.expectEcho(of: input) },

    // The same by a virtio console. Before the guest listens no byte is taken, so none is lost.
    echoOnVirtioConsole("input-by-a-pipe-to-virtio", "{ await out 'echoing until'; cat data; } |", ""),
    echoOnVirtioConsole("input-before-the-guest-listens-to-virtio", "", "< data"),

    // Resets.
    Case("reset-by-i8042", guest: "reset.elf", words: "via=i8042", says: ["via=i8042"], verdict: "reset"),
    Case("reset-by-cf9", guest: "reset.elf", words: "via=cf9", says: ["via=cf9"], verdict: "reset"),
    Case("reset-by-acpi", guest: "reset.elf", words: "via=acpi", says: ["via=acpi"], verdict: "reset"),
    Case(
      "reset-and-again", guest: "reset.elf", "--on-reset reset --timeout 2", status: 124,
      says: ["booted", "booted", "booted"], verdict: "timeout"),
    // Its time is that of all its machines, and its readers get all that it said on those that were.
    Case(
      "reset-and-another-kernel",
      script: """
        \(resetting)
        : > new; mv new kernel
        lines=$(wc -l < out); until [ $(wc -l < out) -gt $((lines + 5)) ]; do sleep 0.02; done
        kill $supervisor; wait $supervisor && echo it went on; rm out kernel
        """, says: ["it went on"]),
    // What its guest had said by then is not lost.
    Case(
      "reset-and-no-kernel",
      script: """
        \(resetting)
        : > kernel
        wait $supervisor; status=$?
        tail -1 out; rm out kernel
        exit $status
        """, status: 1, says: ["booted, resetting via=i8042"], warns: ["kernel: is truncated", "after 0."]),
    // It is not taken for a guest whose VMM was killed.
    Case(
      "reset-and-no-kernel-detached",
      script: """
        cp $GUESTS/reset.elf kernel
        rowhouse run --detach --name one kernel --on-reset reset > said; rm said
        until [ "$(rowhouse logs one | grep -c booted)" -ge 5 ]; do sleep 0.02; done
        : > kernel
        rowhouse wait one; echo "status $?"
        grep -o '"verdict":"[a-zA-Z]*"' tmp/.local/state/rowhouse/ledger.jsonl
        rowhouse remove one; rm kernel
        """, says: ["status 1\n", "\"verdict\":\"hostFailed\""]),
    Case(
      "reset-and-stopped",
      script: """
        rowhouse run $GUESTS/reset.elf --on-reset reset --verdict verdict > out & supervisor=$!
        until [ "$(grep -c booted out)" -ge 2 ]; do sleep 0.02; done
        kill -TERM $supervisor
        wait $supervisor; status=$?
        rm out
        exit $status
        """, verdict: "stopped"),
  ]

  private static func echoOnVirtioConsole(_ name: String, _ before: String, _ after: String) -> Case {
    Case(
      name,
      script: """
        \(before) rowhouse run $GUESTS/echo.elf --console-device virtio --verdict verdict --timeout 60 \
          --cmdline virtio \(after) > out; status=$?
        cat out; rm out
        exit $status
        """, files: ["data": input], verdict: "poweroff"
    ) { $0.expectEcho(of: input, after: "early\n") }
  }

  /// 4 KiB of every byte value in an order without a period, none of whose lines is `exit`, and then one that is.
  private static let input: [UInt8] = {
    var state: UInt32 = 1
    var bytes = (0..<4096).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    bytes += Array("\nexit\n".utf8)
    return bytes
  }()
}

extension Outcome {
  /// The guest `echo` sent everything back, and says that it is what it was sent.
  fileprivate func expectEcho(of input: [UInt8], after start: String = "") {
    let ready = Array((start + "echoing until a line says exit\n").utf8)
    let hex = String(adler32(input), radix: 16)
    let checksum = "0x" + String(repeating: "0", count: 8 - hex.count) + hex
    let end = Array("bytes=\(input.count) adler32=\(checksum)\n".utf8)
    #expect(output.starts(with: ready))
    #expect(Array(output.dropFirst(ready.count).prefix(input.count)) == input, "the echo differs from what was sent")
    #expect(Array(output.dropFirst(ready.count + input.count)) == end, "\(outputText.suffix(100))")
  }

  /// RFC 1950, section 8.2.
  private func adler32(_ bytes: [UInt8]) -> UInt32 {
    var low: UInt32 = 1
    var high: UInt32 = 0
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    return high << 16 | low
  }
}
