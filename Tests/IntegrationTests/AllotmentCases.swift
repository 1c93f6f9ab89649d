import Testing

extension Case {
  /// Shell functions for cases that look at a guest's VMM: `vcpus PID` prints the CPU time of its vCPU threads in
  /// nanoseconds, `waits PID` how long they were ready and did not run, `tasktime PID` the CPU time of all its threads
  /// but the first, ended ones too, `milliseconds` the time, and `spent WORD` a number of the ledger's last record.
  static let looks = """
    schedstat() {
      sum=0
      for task in /proc/$2/task/*; do
        case $(cat $task/comm) in vcpu*) sum=$((sum + $(cut -d ' ' -f $1 $task/schedstat))) ;; esac
      done
      echo $sum
    }
    vcpus() { schedstat 1 $1; }
    waits() { schedstat 2 $1; }
    spent() { tail -n 1 tmp/.local/state/rowhouse/ledger.jsonl | sed 's/.*"'$1'":\\([0-9]*\\).*/\\1/'; }
    tasktime() {
      ticks=$(awk '{ sub(/.*\\) /, ""); print $12 + $13 }' /proc/$1/stat); read -r own rest < /proc/$1/task/$1/schedstat
      echo $((ticks * 10000000 - own))
    }
    milliseconds() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
    """

  /// What a guest may use of the host, and that it does not use more, nor is kept from using it.
  static let allotments: [Case] = [
    quota("10%", cpus: 1, percent: 10),
    quota("60%", cpus: 2, percent: 60),
    // A millisecond or so each time: it sleeps more than it works, and wants more than it may have.
    quota("5%", cpus: 1, percent: 5, words: "alone hertz=250"),
    Case(
      "quota-is-kept-over-resets",
      script: """
        \(looks)
        rowhouse-vmm --kernel $GUESTS/reset.elf --on-reset reset --cpu-quota 1% --cpu-period 1s > out & vmm=$!
        await out booted; start=$(milliseconds); used=$(tasktime $vmm); sleep 4
        used=$(($(tasktime $vmm) - used)); time=$(($(milliseconds) - start))
        kill $vmm; wait $vmm
        echo "used $((used / 1000000))"; echo "time $time"; echo "resets $(grep -c booted out)"; rm out
        """
    ) { outcome in
      let figures = outcome.figures
      guard let used = figures["used"]?.first, let time = figures["time"]?.first, let resets = figures["resets"]?.first
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      // A share more than the rate, for what was there at the start, and the machine that is being made.
      #expect(resets > 1 && used <= time / 100 + 10 + 50, "\(outcome.outputText)")
    },
    Case(
      "quota-changes-at-once-with-a-long-period",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 --cpu-quota 5% --cpu-period 1s > said; rm said
        vmm=$(vmm)
        # Into the first period with nothing left of it.
        sleep 0.3; before=$(vcpus $vmm); rowhouse set one cpu-quota=90%; sleep 0.3; after=$(vcpus $vmm)
        echo "more $(((after - before) / 1000000))"
        rowhouse set one cpu-quota=5%; before=$(vcpus $vmm); sleep 2.5; after=$(vcpus $vmm)
        echo "less $(((after - before) / 1000000))"
        rowhouse kill one; rowhouse remove --all
        """
    ) { outcome in
      guard let more = outcome.figures["more"]?.first, let less = outcome.figures["less"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(more > 20 && (40..<160).contains(less), "\(outcome.outputText)")
    },
    Case(
      "quota-loses-no-console-byte",
      script: """
        \(looks)
        rowhouse run $GUESTS/flood.bin --boot flat --load-address 0x10000 --cpu-quota 20% --quiet --timeout 60 > out
        echo "status $?"; echo "throttled $(spent throttled_nanoseconds)"
        rowhouse run $GUESTS/flood.bin --boot flat --load-address 0x10000 --quiet --timeout 60 > all
        cmp out all && echo same; rm out all
        """, says: ["status 85", "same"]
    ) { outcome in expectThrottled(outcome) },
    Case(
      "quota-loses-no-disk-request",
      script: """
        \(looks)
        truncate -s 4M kept
        rowhouse run $GUESTS/disk.elf --disk kept --cpu-quota 10% --cpu-period 5ms --quiet --timeout 60
        rowhouse run $GUESTS/disk.elf --disk kept --cpu-quota 10% --cpu-period 5ms --quiet --timeout 60 -- \
          count=500 bytes=4096 depth=8
        echo "metered $(spent disk_writes) $(spent disk_written_bytes)"; echo "throttled $(spent throttled_nanoseconds)"
        """, says: ["the disk passed", "requests=500 bytes=2048000", "metered 500 2048000\n"]
    ) { outcome in expectThrottled(outcome) },
    // As the guest sees it by its clock: a tenth of each period, and its start may be a busy host's.
    Case(
      "quota-stops-a-guest-for-less-than-a-period",
      script: """
        for turn in $(seq 5); do
          rowhouse run $GUESTS/burn.elf --cpu-quota 10% --quiet --timeout 60 -- stretches=500 |
            sed -n 's/longest \\(stretch\\): \\([0-9]*\\) .*/\\1 \\2/p'
        done | sort -n -k 2 | head -n 1
        """
    ) { outcome in
      #expect((8_000...12_000).contains(outcome.figures["stretch"]?.first ?? 0), "\(outcome.outputText)")
    },
    // What its second vCPU, which nobody starts, could have, the first does not have to wait for.
    Case(
      "quota-out-of-reach-holds-nobody-up",
      script: """
        \(looks)
        for turn in $(seq 10); do
          rowhouse run $GUESTS/burn.elf --cpus 2 --cpu-quota 150% --quiet --timeout 60 -- alone rounds=5 > out
          [ $(spent throttled_nanoseconds) != 0 ] || free=$((free + 1))
        done
        echo "free $free"; rm out
        """
    ) { outcome in
      // On a busy host the second's thread may be taken for one that works.
      #expect(outcome.figures["free"]?.first ?? 0 >= 7, "\(outcome.outputText)")
    },
    Case(
      "quota-that-the-host-has-no-timers-for-is-refused",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/burn.elf --cpus 2 --timeout 60 > said; rm said
        prlimit --pid $(vmm) --sigpending=0:
        rowhouse set one cpu-quota=50%; echo "status $?"
        json one | grep -o '"state":"[a-z]*"'; json one | grep -c cpu_quota
        prlimit --pid $(vmm) --sigpending=1000: && rowhouse set one cpu-quota=50% && rowhouse meter one | grep -m 1 -o 50%
        rowhouse kill one; rowhouse remove one
        """,
      says: ["status 1\n", "\"state\":\"running\"\n", "50%\n"],
      warns: ["one: the host cannot do it; the VMM's log has what its kernel said"]),
    // Those that nobody starts are asked over and over again whether they have used something. They have not.
    Case(
      "quota-is-for-vCPUs-that-work",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/burn.elf --cpus 8 --cpu-quota 10% --timeout 60 -- alone > said; rm said
        sleep 2; rowhouse kill one
        json one | sed 's/"run_nanoseconds":\\([0-9]*\\)/\\nrun \\1\\n/g' | sed -n 's/^run \\(.*\\)$/\\1/p' |
          tr '\\n' ' ' | sed 's/^/run /'
        echo; rowhouse remove one
        """
    ) { outcome in
      guard let run = outcome.figures["run"], run.count == 8 else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(run[0] > 0 && run.dropFirst().reduce(0, +) < run[0] / 10, "\(outcome.outputText)")
    },
    Case(
      "halted-guest-is-found-under-a-quota", guest: "hang.elf", "--cpu-quota 1%", status: 103, verdict: "halted"),
    Case(
      "pinned-CPUs",
      script: """
        rowhouse-vmm --kernel $GUESTS/burn.elf --cpus 2 --cpu-pin 0 > out & vmm=$!; await out burning
        for task in /proc/$vmm/task/*; do
          case $(cat $task/comm) in vcpu*) grep Cpus_allowed_list $task/status ;; esac
        done
        kill $vmm; wait $vmm; rm out
        """, says: ["Cpus_allowed_list:\t0\n", "Cpus_allowed_list:\t0\n"]),
    Case(
      "memory-beyond-its-limit-is-asked-of-the-balloon",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/touch.elf --balloon 0M --memory-max 32M --timeout 60 \\
          -- pages=20000 > said
        rm said
        until rowhouse logs one | grep -q touched; do sleep 0.02; done
        echo "asked $(figure one balloon_target_bytes)"; echo "limit $(figure one memory_limit_bytes)"
        echo "resident $(figure one resident_bytes)"; rowhouse meter one
        rowhouse wait one; echo "status $?"; rowhouse remove one
        """, says: ["limit \(32 << 20)\n", "256M, balloon ", "32M resident", "status 105\n"]
    ) { outcome in
      // It has no driver, and so does not give way: 20,000 pages are there, until it has to end.
      guard let asked = outcome.figures["asked"]?.first, let resident = outcome.figures["resident"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(resident > 20_000 * 4096 && asked >= resident - 32 << 20, "\(outcome.outputText)")
    },
    Case(
      refused: "pin-to-a-missing-CPU", "rowhouse run $GUESTS/hello.elf --cpu-pin 4000", naming: "--cpu-pin 4000",
      "no CPU 4000"),
  ]

  private static func quota(_ share: String, cpus: Int, percent: Int, words: String = "") -> Case {
    Case(
      "quota-of-\(percent)-on-\(cpus)",
      script: """
        \(looks)
        rowhouse-vmm --kernel $GUESTS/burn.elf --cmdline '\(words)' --cpus \(cpus) --cpu-quota \(share) \
          > out & vmm=$!; await out burning
        start=$(milliseconds); used=$(vcpus $vmm); ready=$(waits $vmm); sleep 2
        used=$(($(vcpus $vmm) - used)); ready=$(($(waits $vmm) - ready)); time=$(($(milliseconds) - start))
        kill $vmm; wait $vmm; rm out
        echo "permille $((used / time / 1000)) $((ready / time / 1000))"
        """
    ) { outcome in
      guard let permille = outcome.figures["permille"], permille.count == 2 else {
        Issue.record("\(outcome.outputText)")
        return
      }
      // What a busy host did not give it, it at least stood in line for.
      #expect(permille[0] <= 11 * percent && permille[0] + permille[1] >= 9 * percent, "\(outcome.outputText)")
    }
  }

  /// The quota was in the guest's way.
  private static func expectThrottled(_ outcome: Outcome) {
    #expect(outcome.figures["throttled"]?.first ?? 0 > 0, "\(outcome.outputText)")
  }
}
