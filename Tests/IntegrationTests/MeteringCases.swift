import Testing

extension Case {
  /// Shell functions for cases that read meters: `json NAME` prints a guest's without blanks, `figure NAME KEY` what
  /// follows the first such key, `cputime NAME` the CPU time of all its vCPUs in nanoseconds.
  static let meters = """
    json() { rowhouse meter "$1" --json | tr -d ' \\n'; echo; }
    figure() { json "$1" | sed 's/.*"'$2'":\\([0-9]*\\).*/\\1/'; }
    cputime() {
      echo $(($(json "$1" | sed 's/"run_nanoseconds":\\([0-9]*\\)/\\n=\\1\\n/g' | sed -n 's/^=\\(.*\\)$/\\1 +/p' | tr -d '\\n') 0))
    }
    vmm() { rowhouse list --json | sed -n 's/.*"process" : \\([0-9]*\\).*/\\1/p'; }
    \(looks)
    """

  /// What meters say, beside what the guest and the host's kernel say.
  static let meterings: [Case] = [
    Case(
      "meter-counts-what-the-guest-counts",
      script: """
        \(meters)
        truncate -s 4M kept
        rowhouse run --detach --name one $GUESTS/disk.elf --timeout 60 --disk kept -- count=300 bytes=1536 depth=5 &&
        rowhouse wait one && rowhouse logs one
        json one | sed 's/.*"written":{"bytes":\\([0-9]*\\),.*"requests":\\([0-9]*\\),.*/requests=\\2 bytes=\\1/'
        echo
        rowhouse run --detach --name two $GUESTS/disk.elf --timeout 60 --disk kept -- count=200 bytes=8192 read &&
        rowhouse wait two && json two | sed 's/.*"read":{"bytes":\\([0-9]*\\),.*"requests":\\([0-9]*\\),"thr.*"w.*/reads=\\2 bytes=\\1/'
        rowhouse remove --all
        """,
      says: ["requests=300 bytes=460800\n", "requests=300 bytes=460800\n", "reads=200 bytes=1638400"]),
    Case(
      "meter-counts-packets-as-both-guests-do",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/net.elf --timeout 60 --net socket=cable -- host=1 answers=20
        until rowhouse logs one | grep -q answering; do sleep 0.02; done
        rowhouse run --detach --name two $GUESTS/net.elf --timeout 60 --net socket=cable \\
          -- host=2 peer=1 count=20 bytes=200
        rowhouse wait one && rowhouse wait two || exit
        for name in one two; do
          rowhouse logs $name | grep -E '^(sent|received): ' | tr -d '\\r' | sort > said
          json $name | sed -n 's/.*"received":{"bytes":\\([0-9]*\\),"drops":0,"packets":\\([0-9]*\\),.*/received: packets=\\2 bytes=\\1/p' > metered
          json $name | sed -n 's/.*"sent":{"bytes":\\([0-9]*\\),"drops":0,"packets":\\([0-9]*\\),.*/sent: packets=\\2 bytes=\\1/p' >> metered
          cmp said metered && [ $(wc -l < said) = 2 ] && echo same
        done
        rowhouse remove --all; rm -f said metered cable
        """, says: ["same\n", "same\n"]),
    Case(
      "meter-has-the-memory-that-smaps-has",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/touch.elf --timeout 60 -- pages=6000 > said; rm said
        until rowhouse logs one | grep -q touched=6000; do sleep 0.02; done; sleep 0.3
        metered=$(figure one resident_bytes)
        seen=$(($(awk '/^Rss:/ { sum += $2 } END { print sum }' /proc/$(vmm)/smaps) * 1024))
        rowhouse kill one; rowhouse remove --all
        printf 'difference %d\\nof %d\\n' $((metered - seen)) $seen
        """
    ) { outcome in
      guard let difference = outcome.figures["difference"]?.first, let seen = outcome.figures["of"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(seen > 6000 * 4096 && abs(difference) <= 1 << 20, "\(outcome.outputText)")
    },
    // A guest that is paused is looked at every five seconds.
    Case(
      "meter-has-a-sample-of-when-a-limit-changed",
      script: """
        \(meters)
        sampled() { od -An -t u8 -j 208 -N 8 run/rowhouse/one/meter; }
        truncate -s 1M kept
        rowhouse run --detach --name one $GUESTS/echo.elf --timeout 60 --disk kept --net socket=cable > said; rm said
        rowhouse expect one echoing; rowhouse pause one; sleep 0.5
        for change in disk0.bandwidth=1M disk0.budget=9M net0.packets=50 net0.budget=9M cpu-quota=50%; do
          before=$(sampled); rowhouse set one $change; [ $(sampled) -gt $before ] && echo $change: new
        done
        rowhouse kill one; rowhouse remove --all; rm -f kept cable
        """,
      says: [
        "disk0.bandwidth=1M: new\n", "disk0.budget=9M: new\n", "net0.packets=50: new\n", "net0.budget=9M: new\n",
        "cpu-quota=50%: new\n",
      ]),
    Case(
      "meter-has-the-CPU-time-that-the-kernel-has",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 --cpus 2 > said; rm said; sleep 1
        before=$(vcpus $(vmm))
        metered=$(cputime one)
        after=$(vcpus $(vmm)); rowhouse kill one; rowhouse remove --all
        [ $before -gt 0 ] && [ $before -le $metered ] && [ $metered -le $after ] && echo between
        """, says: ["between"]),
    Case(
      "meter-has-the-devices-CPU-time-that-the-kernel-has",
      script: """
        \(meters)
        truncate -s 1G kept
        rowhouse run --detach --name one $GUESTS/disk.elf --timeout 60 --disk kept -- journal=200000 depth=1 > said
        rm said
        vmm=$(vmm); sleep 2; rowhouse pause one; sleep 0.2
        tasks() { # the CPU time of the tasks whose name begins with $1
          sum=0
          for task in /proc/$vmm/task/*; do
            case $(cat $task/comm) in $1*) sum=$((sum + $(cut -d ' ' -f 1 $task/schedstat))) ;; esac
          done; echo $sum
        }
        least=$(($(tasks '') - $(tasks vcpu)))
        metered=$(figure one device_nanoseconds)
        ticks=$(awk '{ sub(/.*\\) /, ""); print $12 + $13 }' /proc/$vmm/stat)
        echo "device $least $metered $((ticks * 10000000 - $(tasks vcpu))) $(tasks iou-wrk)"
        rowhouse kill one; rowhouse remove --all
        """
    ) { outcome in
      guard let device = outcome.figures["device"], device.count == 4 else {
        Issue.record("\(outcome.outputText)")
        return
      }
      // Flushes are done by the kernel's workers. The kernel's sum, which also has the threads that have ended, is in
      // hundredths of a second.
      #expect(device[3] > 0 && device[0] <= device[1] && device[1] <= device[2] + 30_000_000, "\(outcome.outputText)")
    },
    Case(
      "meter-goes-on-when-the-guest-resets",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/reset.elf --on-reset reset --timeout 60 --balloon 0M > said; rm said
        rowhouse set one memory=192M; sleep 2; vmm=$(vmm)
        echo "cpu $(cputime one) $(tasktime $vmm) $(cputime one)"
        echo "balloon $(figure one balloon_target_bytes)"
        echo "resets $(rowhouse logs one | grep -c booted)"
        kill -TERM $vmm; rowhouse wait one
        echo "uptime $(figure one uptime_nanoseconds)"; rowhouse remove --all
        """, says: ["balloon \(64 << 20)\n"]
    ) { outcome in
      let figures = outcome.figures
      guard let cpu = figures["cpu"], cpu.count == 3, let resets = figures["resets"]?.first,
        let uptime = figures["uptime"]?.first
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(resets > 5, "\(outcome.outputText)")
      // That of all its machines, and not of the first.
      #expect(uptime > 2_000_000_000, "\(outcome.outputText)")
      // The kernel's sum is in hundredths of a second, and has what it spends itself to end each machine's thread.
      let ends = resets * 200_000
      #expect(cpu[0] - 20_000_000 <= cpu[1] && cpu[1] <= cpu[2] + 20_000_000 + ends, "\(outcome.outputText)")
    },
    Case(
      "meter-of-a-killed-VMM-stays",
      script: """
        \(meters)
        rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 > said; rm said; sleep 0.5
        before=$(figure one run_nanoseconds); kill -9 $(vmm)
        until rowhouse list | grep crashed > said; do sleep 0.02; done; rm said
        after=$(figure one run_nanoseconds); rowhouse meter one | head -n 1; rowhouse remove --all
        [ $before -gt 0 ] && [ $after -ge $before ] && echo kept
        """, says: ["one: crashed", "kept"]),
    Case(refused: "meter-of-nobody", "rowhouse meter nobody", naming: "nobody"),
  ]
}
