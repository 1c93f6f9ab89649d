import Testing

extension Case {
  /// `rowhouse bench`: who is measured, in which order, and what is said of those that are not.
  ///
  /// The other VMMs are scripts, found by PATH as the true ones are, or beside a copy of `rowhouse`.
  static let benchmarks: [Case] = [
    // Who begins a round ends the next: each comes after the other equally often. The first round warms up.
    Case("bench-in-turns", script: """
      mkdir kept && export PATH=$PWD/kept:$PATH TURNS=$PWD/kept/turns
      \(fake("lkvm", saying: "one")) && \(fake("qemu-system-x86_64", saying: "two"))
      rowhouse bench boot script --vmm kvmtool,qemu-microvm,firecracker -n 3 --warmup 1 --cmdline 'a b' --output kept/r
      status=$?; echo turns $(cat kept/turns)
      for words in '"first_byte" : [1-9]' '"exit" : [1-9]' '"command" : "lkvm run .*--params .a b.' \
        '"name" : "firecracker"' '"runs" : 3' '"version" : "two"'; do grep -c "$words" kept/r/results.json; done
      exit $status
      """, says: [
        "From start to the first console byte, 3 runs each", "kvmtool", "qemu-microvm", "firecracker is missing: ",
        "turns lkvm qemu-system-x86_64 lkvm qemu-system-x86_64 qemu-system-x86_64 lkvm qemu-system-x86_64 lkvm\n",
        "6\n6\n1\n1\n1\n1\n",
      ]),
    Case("bench-density-of-three", script: """
      rowhouse bench density $GUESTS/echo.elf --vmm rowhouse -n 3 --limit 20
      """, says: ["OF THAT OVERHEAD\n", "rowhouse  1 ", "rowhouse  3 "], neverSays: ["missing"], warningLines: 0
    ) { outcome in
      let rows = outcome.outputText.split(separator: "\n").dropFirst().map { $0.split(separator: " ") }
      #expect(rows.count == 2 && rows.allSatisfy { (Double($0[2]) ?? 0) > 0 && (Double($0[3]) ?? 0) > 0 }, "\(rows)")
    },
    Case("bench-says-what-to-do-about-a-guest-that-stays", script: """
      rowhouse bench boot $GUESTS/echo.elf --vmm rowhouse -n 1 --warmup 0 --limit 1; echo "status $?"
      rowhouse bench boot $GUESTS/echo.elf --vmm rowhouse -n 1 --warmup 0 --limit 1 --until marker:never
      """, status: 1, says: ["status 1\n"], warns: [
        "it has not ended in 1s, the --limit: name an earlier goal with --until",
        "the console never said what --until waits for in 1s, the --limit",
      ], warningLines: 2),
    // It ends only when it is asked to, and a VMM tells what exits cost only at an orderly end.
    Case("bench-tells-the-exits-of-a-guest-that-stays", script: """
      rowhouse bench boot $GUESTS/echo.elf --vmm rowhouse -n 1 --warmup 0 --limit 20 --until marker:.
      """, says: [
        "From start to the marker, 1 run each", "Exits of rowhouse", "the dearest by time in the VMM", "8250 transmit",
      ], warningLines: 0),
    Case("bench-says-why-there-are-no-exits", script: """
      mkdir kept && cp "$(command -v rowhouse)" kept/ && \(fake("rowhouse-vmm", saying: "hello"))
      kept/rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse -n 2 --warmup 0
      """, says: ["From start to end, 2 runs each"], neverSays: ["Exits of"],
      warns: ["there is no table of the exits of rowhouse: it did not write them"], warningLines: 1),
    // QEMU ends with 0 when a kernel resets the machine after its last words.
    Case("bench-leaves-out-a-guest-that-panics", script: """
      mkdir kept && export PATH=$PWD/kept:$PATH
      \(fake("qemu-system-x86_64", saying: "[    0.5] Kernel panic - not syncing: Attempted to kill init!")) &&
      \(fake("lkvm", saying: "well"))
      rowhouse bench boot script --vmm kvmtool,qemu-microvm -n 1 --warmup 0
      """, says: [
        "qemu-microvm is missing: its guest said: [    0.5] Kernel panic - not syncing: Attempted to kill init!"
      ], warningLines: 0),
    // Who waits for a panic gets it.
    Case("bench-to-a-panic", script: """
      mkdir kept && export PATH=$PWD/kept:$PATH
      \(fake("lkvm", saying: "Kernel panic - not syncing: VFS"))
      rowhouse bench boot script --vmm kvmtool -n 1 --warmup 0 --until 'marker:panic'
      """, says: ["From start to the marker, 1 run each"], neverSays: ["missing"], warningLines: 0),
    // One kernel that cannot be unpacked as is wanted is no reason to measure nobody.
    Case("bench-of-a-kernel-that-cannot-be-unpacked", script: """
      mkdir kept && export PATH=$PWD/kept:$PATH && \(fake("lkvm", saying: "well"))
      rowhouse bench boot image --unpack --vmm kvmtool,rowhouse-run -n 1 --warmup 0
      find tmp run -name '*bench*'
      """, files: ["image": MadeUpKernel.bzImage()],
      says: ["From start to end, 1 run each", "kvmtool", "rowhouse-run is missing: image: "], warningLines: 0),
    // Told apart by their folders, and one that fails does not take the other with it.
    Case("bench-of-two-kernels-of-one-name", script: """
      mkdir -p kept/a kept/b kept/c && cp $GUESTS/hello.elf kept/a/k && cp $GUESTS/marks.elf kept/b/k
      cp $GUESTS/panic.elf kept/c/k
      rowhouse bench boot kept/a/k --also kept/b/k --also kept/c/k --vmm rowhouse -n 3 --warmup 0 --output kept/r
      status=$?; grep -c '"minor_faults"' kept/r/results.json; exit $status
      """, status: 1, says: [
        "From start to end, 3 runs each", "\nrowhouse a/k ", "\nrowhouse b/k ", "rowhouse c/k is missing: ", "\n6\n",
      ]),
    // What the VMM under it took is charged to the supervisor only when that has waited for it.
    Case("bench-tells-what-the-whole-command-took-until-its-goal", script: """
      mkdir kept
      rowhouse bench boot $GUESTS/burn.elf --cmdline say=20 --vmm rowhouse-run -n 1 --warmup 0 --limit 100 \
        --until marker:rounds=20 --output kept
      status=$?; for words in '"guest_nanoseconds" : [1-9]' '"exit" : '; do grep -c "$words" kept/results.json; done
      exit $status
      """, says: ["From start to the marker, 1 run each", "\n1\n0\n"]),
    // Ring 3 is guest code that a CPU runs, on any KVM; under `rowhouse run` it is a child's.
    Case("bench-tells-what-a-guest-took-of-a-CPU", script: """
      mkdir kept
      rowhouse bench boot $GUESTS/burn.elf --cmdline rounds=20 --vmm rowhouse,rowhouse-run -n 1 --warmup 0 --output kept
      status=$?; for words in '"vcpu_nanoseconds" : [1-9]' '"device_nanoseconds" : [1-9]' \
        '"guest_nanoseconds" : [1-9]'; do grep -c "$words" kept/results.json; done; exit $status
      """, says: ["  VCPUS' THREADS  OTHER THREADS  ", "\nrowhouse-run  ", "\n1\n1\n2\n"]),
    Case("bench-density-of-the-whole-command", script: """
      rowhouse bench density $GUESTS/echo.elf --vmm rowhouse-run -n 1 --memory 16M --limit 20
      """, says: ["OF THAT OVERHEAD\n", "rowhouse-run  1 "], neverSays: ["missing"], warningLines: 0),
    Case("bench-density-of-guests-that-do-not-stay", script: """
      rowhouse bench density $GUESTS/hello.elf --vmm rowhouse -n 2 --limit 20 --output kept
      """, status: 1, warns: [
        "there is nothing to measure: rowhouse: a guest of it ended, and all have to stay"
      ], warningLines: 1),
    // The last line of what the VMM says is the reason.
    Case("bench-density-says-why", script: """
      rowhouse bench density $GUESTS/realmode.bin --vmm rowhouse -n 2 --limit 20
      """, status: 1, warns: ["there is nothing to measure: rowhouse: it ended with status 2: ", "--boot flat"],
      warningLines: 1),
    Case("bench-density-of-nothing", script: """
      rowhouse bench density no/such --output kept
      status=$?; ls; exit $status
      """, status: 2, neverSays: ["kept"], warns: ["no/such: "], warningLines: 1),
    // What is beside results is of them; and nothing is left behind where there is nothing to write.
    Case("bench-reports-are-of-the-results", script: """
      mkdir kept kept/bin kept/r && cp "$(command -v rowhouse)" "$(command -v rowhouse-vmm)" kept/bin/
      for old in results.json report.html report.png report.svg own.txt; do echo old > kept/r/$old; done
      kept/bin/rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse -n 1 --warmup 0 --output kept/r | grep -c 'run each'
      ls kept/r; grep -c old kept/r/results.json
      kept/bin/rowhouse bench boot $GUESTS/panic.elf --vmm rowhouse -n 1 --warmup 0 --output kept/none; ls kept
      """, says: ["2\nown.txt\nresults.json\n0\nbin\nr\n"], warns: [
        "there is results.json in kept/r and no report: bench-report is not installed",
        "there is nothing to measure: rowhouse: it ended with status 101",
      ], warningLines: 2),
    Case("bench-fails-with-its-report", script: """
      mkdir -p kept/bin kept/share/rowhouse && cp "$(command -v rowhouse)" "$(command -v rowhouse-vmm)" kept/bin/
      report=kept/share/rowhouse/bench-report
      printf '#!/bin/sh\\necho "matplotlib is missing" >&2; exit 1\\n' > $report && chmod +x $report
      kept/bin/rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse -n 1 --warmup 0 --output kept/r > said; status=$?
      grep -c 'run each' said; rm said; ls kept/r; exit $status
      """, status: 1, says: ["2\nresults.json\n"], warns: [
        "matplotlib is missing\n", "there is results.json in kept/r, but no report: ",
      ], warningLines: 2),
    Case("bench-says-that-init-was-not-reached", script: """
      rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse -n 1 --warmup 0 --until init
      """, status: 1, warns: ["rowhouse: nothing told that init was reached"], warningLines: 1),
    // What cannot be said to a VMM is not left out.
    Case("bench-gives-all-the-same-guest", script: """
      mkdir kept && export PATH=$PWD/kept:$PATH
      \(fake("lkvm", saying: "well")) && \(fake("qemu-system-x86_64", saying: "well")) && rowhouse disk create kept/d 1M
      rowhouse bench boot image --vmm kvmtool,qemu-q35 -n 1 --warmup 0 --disk kept/d,serial=s --entropy --output kept/r
      status=$?
      for words in 'drive=disk0,serial=s -object' '-append .console=ttyS0 panic=-1' 'virtio-rng-pci' \
        '"command_line" : "console=ttyS0 panic=-1"' '"--disk kept/d,serial=s,format=qcow2"' '"--entropy"'; do
        grep -c -e "$words" kept/r/results.json
      done
      exit $status
      """, files: ["image": MadeUpKernel.bzImage()],
      says: ["kvmtool is missing: has no --disk with serial that is known here", "1\n1\n1\n1\n1\n1\n"]),
    // Of the CPUs that it may run on, one is too few, however many the computer has.
    Case("bench-pins-within-what-is-allowed", script: """
      taskset -c "$(taskset -cp $$ | sed 's/.*[:,-] *//')" rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse --pin
      """, status: 2, warns: ["--pin: ", "may run on 1 "], warningLines: 1),
    // SIGKILL leaves its places behind, for the next one to clean up.
    Case("bench-after-one-that-was-killed", script: """
      rowhouse bench boot $GUESTS/echo.elf --until marker:never --vmm rowhouse-run --limit 1000 &
      until [ -n "$(find tmp run -path '*rowhouse-bench-*/rowhouse/*')" ]; do sleep 0.02; done
      kill -KILL $!; wait $!
      rowhouse bench boot $GUESTS/hello.elf --vmm rowhouse-run -n 1 --warmup 0
      status=$?; find tmp run -name '*bench*' | sed 's/^/left: /'; exit $status
      """, says: ["From start to end, 1 run each"], neverSays: ["left: "]),
    interrupted("bench-boot", "boot $GUESTS/echo.elf --until marker:never", by: "INT", status: 130),
    interrupted("bench-density", "density $GUESTS/hang.elf", by: "TERM", status: 143),
  ]

  /// A benchmark that would wait for long, and is ended by a signal: nothing stays.
  private static func interrupted(_ name: String, _ words: String, by signal: String, status: Int32) -> Case {
    Case("\(name)-ended-by-\(signal)", script: """
      rowhouse bench \(words) --vmm rowhouse-run --limit 1000 -n 9999 &
      until [ -n "$(find tmp run -name '*rowhouse-bench-*')" ]; do sleep 0.02; done
      find tmp run -name '*rowhouse-bench-*'
      sleep 0.2; kill -\(signal) $!; wait $!; status=$?
      find tmp run -name '*bench*' | sed 's/^/left: /'; exit $status
      """, status: status, says: ["rowhouse-bench-"], neverSays: ["left: ", "missing"], warningLines: 0)
  }

  /// Makes a VMM that says a line and ends well; asked for its version, it says the same. `$TURNS` is a file for the
  /// names of those that were started.
  private static func fake(_ program: String, saying line: String) -> String {
    """
    { echo '#!/bin/sh'; echo 'echo "\(line)"'; echo 'case $1 in *version) exit ;; esac'
      echo '[ -z "$TURNS" ] || echo \(program) >> "$TURNS"'; } > kept/\(program) && chmod +x kept/\(program)
    """
  }
}
