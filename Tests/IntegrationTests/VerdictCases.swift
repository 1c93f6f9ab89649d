import Testing

extension Case {
  /// Every line of the verdict table that needs no detached guest.
  static let verdicts: [Case] = [
    Case("poweroff", guest: "hello.elf", says: ["Hello from a guest kernel."], verdict: "poweroff"),
    Case("reset", guest: "reset.elf", says: ["booted, resetting via=i8042"], verdict: "reset"),
    Case("panic-by-pvpanic", guest: "panic.elf", status: 101, verdict: "panic"),
    Case(
      "panic-left-to-a-crash-kernel", guest: "panic.elf", words: "crash-kernel", status: 101, says: ["saved"],
      verdict: "panic"),
    Case(
      "panic-by-console-text", guest: "linux-panic.elf", status: 101, says: ["end Kernel panic - not syncing"],
      verdict: "panic"),
    Case("panic-by-slow-console-text", guest: "linux-panic.elf", words: "slowly", status: 101, verdict: "panic") {
      $0.expectTime(milliseconds: 2_000...10_000)
    },
    // A pipe without a reader keeps the VMM from ever building its machine.
    Case("stopped-before-it-runs", script: """
      mkfifo tmp/pipe
      rowhouse run $GUESTS/hello.elf --console file:tmp/pipe & supervisor=$!
      until [ "$(child_of $supervisor)" ]; do sleep 0.02; done
      sleep 0.2; before=$(date +%s)
      kill $supervisor; wait $supervisor; status=$?
      [ $(($(date +%s) - before)) -le 2 ] || echo FAILED: it took its time
      rm tmp/pipe; exit $status
      """, warns: ["the guest was stopped after"]),
    // Ctrl-C reaches both where standard input is no terminal: the VMM leaves it to its supervisor.
    Case("the-terminals-signals-are-the-supervisors", script: """
      rowhouse run $GUESTS/spin.elf --verdict verdict --timeout 30 > out & supervisor=$!
      await out spins; vmm=$(child_of $supervisor); rm out
      kill -HUP $vmm; kill -INT $vmm; kill -QUIT $vmm; sleep 0.3
      kill -0 $vmm || echo FAILED: the VMM has gone
      kill $supervisor; wait $supervisor
      """, warns: ["the guest was stopped after"], verdict: "stopped"),
    Case("without-kvm", script: """
      unshare -r -m sh -c 'mount -t tmpfs none /dev && exec rowhouse run $GUESTS/hello.elf'
      """, status: 1, warns: ["/dev/kvm is not there"], warningLines: 1) { $0.expectNoOutput() },
    // Root may open everything, so root gives that right up, where there is a program for it.
    Case("kvm-is-forbidden", script: """
      : > tmp/kvm; chmod 0 tmp/kvm
      if setpriv --bounding-set -all true 2> /dev/null; then give_up="setpriv --bounding-set -all"
      else rm tmp/kvm; mknod tmp/kvm c 250 250; give_up=
      fi
      export give_up
      unshare -r -m sh -c 'mount --bind tmp/kvm /dev/kvm && exec $give_up rowhouse run $GUESTS/hello.elf'
      status=$?; rm tmp/kvm; exit $status
      """, status: 1, warns: ["/dev/kvm", "be opened"], warningLines: 1) { $0.expectNoOutput() },
    Case("panic-text-quoted-is-none", guest: "quotes.elf", says: ["still running after 1000 ms"], verdict: "poweroff"),
    Case("triple-fault", guest: "triplefault.elf", status: 102, verdict: "tripleFault"),
    Case("halted", guest: "hang.elf", status: 103, verdict: "halted"),
    Case("halted-on-two-cpus", guest: "hang.elf", "--cpus 2", status: 103, verdict: "halted"),
    Case("unsupported", guest: "unsupported.elf", status: 104, warns: ["0xd0000000"], verdict: "unsupported"),
    Case("timeout", guest: "spin.elf", "--timeout 0.5", status: 124, verdict: "timeout") { outcome in
      outcome.expectTime(milliseconds: 500...5000)
    },
    // It has to leave the guest for that, where its user's signals have no room to be queued.
    Case(
      "timeout-without-room-for-signals",
      script: "prlimit --sigpending=0: rowhouse run $GUESTS/spin.elf --timeout 1", status: 124, warningLines: 1),
    Case("timeout-of-an-idle-guest", guest: "echo.elf", "--timeout 0.5", status: 124, verdict: "timeout"),
    Case(
      "quiet", script: "rowhouse run $GUESTS/hello.elf --quiet --timeout 30", says: ["Hello"], warningLines: 0),
    Case(
      "verdict-in-words", script: "rowhouse run $GUESTS/triplefault.elf --timeout 30", status: 102,
      warns: ["triple fault"], warningLines: 1),

    // By a person.
    Case(
      "stopped-by-sigterm", script: signalled("TERM", "$supervisor"), warns: ["stopped"], verdict: "stopped"),
    Case(
      "stopped-by-sigint", script: signalled("INT", "$supervisor"), warns: ["stopped"], verdict: "stopped"),
    Case(
      "stopped-by-sighup", script: signalled("HUP", "$supervisor"), warns: ["stopped"], verdict: "stopped"),
    Case(
      "killed", script: signalled("KILL", "$(child_of $supervisor)"), status: 137, warns: ["killed"],
      verdict: "killed"),
    // With its supervisor the guest ends too, and the next line is reached only when it has.
    Case(
      "supervisor-killed",
      script: """
        rowhouse run $GUESTS/spin.elf > out & supervisor=$!
        await out spins
        vmm=$(child_of $supervisor)
        kill -KILL $supervisor
        gone $vmm && echo gone
        rm out; rowhouse remove --all
        """, says: ["gone"]),
    Case(
      "vmm-stopped-by-hand",
      script: """
        rowhouse-vmm --kernel $GUESTS/spin.elf > out & vmm=$!
        await out spins
        kill $vmm; wait $vmm; status=$?
        rm out
        exit $status
        """),
  ] + [0, 1, 21, 63, 127, 128, 200, 0x8000_0000 as UInt32].map { value in
    // The value's low seven bits survive in an exit status; the verdict file has all of it.
    Case(
      "debug-exit-\(value)", guest: "exitcode.elf", words: "code=\(value)",
      status: Int32(truncatingIfNeeded: (value << 1 | 1) & 0xff),
      says: ["leaving with debug exit \(value)"], verdict: "debugExit"
    ) { outcome in
      #expect(outcome.verdictObject["value"] as? UInt32 == value)
    }
  }

  /// Starts a guest that is busy for ever, and sends a signal to it or its supervisor.
  private static func signalled(_ signal: String, _ process: String) -> String {
    """
    # A shell's background process ignores SIGINT, and hands that down.
    trap - INT
    rowhouse run $GUESTS/spin.elf --verdict verdict > out & supervisor=$!
    await out spins
    kill -\(signal) \(process)
    wait $supervisor; status=$?
    rm out
    exit $status
    """
  }
}
