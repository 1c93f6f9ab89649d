import Testing

extension Case {
  /// `ledger` prints the ledger of the case, `ends` the names and verdicts in it.
  private static let ledger = """
    ledger() { cat tmp/.local/state/rowhouse/ledger.jsonl; }
    ends() { ledger | sed 's/.*"name":"\\([^"]*\\)".*"verdict":"\\([^"]*\\)".*/\\1 \\2/'; }
    \(meters)
    """

  /// A guest that ended stays where it is as long as nobody can write down what it used; `spoil` and `mend` are what
  /// is done to the ledger.
  private static func unwritable(_ name: String, spoil: String, mend: String, reason: String) -> Case {
    Case(
      name,
      script: """
        \(ledger)
        state=tmp/.local/state/rowhouse; mkdir -p $state
        \(spoil)
        rowhouse run --detach --name back $GUESTS/hello.elf; rowhouse wait back; rowhouse remove back; echo "status $?"
        rowhouse run --name back $GUESTS/hello.elf; echo "status $?"
        rowhouse run --name front $GUESTS/exitcode.elf --quiet -- code=3; echo "status $?"
        rowhouse run --detach --name given-up $GUESTS/hello.elf; rowhouse wait given-up
        rowhouse remove --force given-up; echo "status $?"
        rowhouse list
        \(mend)
        rowhouse remove --all; ends; rowhouse list
        """,
      says: [
        "back\nstatus 1\nstatus 1\n", "status 7\ngiven-up\nstatus 0\n", "back ", "front ",
        "back poweroff\nfront debugExit\nNAME",
      ], neverSays: ["given-up poweroff", "given-up  ", "FAILED:"],
      warns: [
        "cannot be written down: \(reason)", "back: ", "`rowhouse remove --force` gives that up",
        "--name back: ", "; its folder is kept, `rowhouse list` shows it as front",
      ])
  }

  /// What only root can do: a file system of its own that is full.
  static let fullDisks = [
    unwritable(
      "ledger-on-a-full-disk",
      spoil: """
        mount -t tmpfs -o size=64k none $state; printf '%s\n' old > $state/ledger.jsonl
        dd if=/dev/zero of=$state/rest bs=1k 2> said; rm said
        # Room for a part of a line.
        dd if=/dev/zero bs=1 count=3800 2> said | tr '\\0' '\\n' >> $state/ledger.jsonl; rm said
        """,
      mend: """
        [ $(wc -c < $state/ledger.jsonl) = 3804 ] || echo FAILED: half a line is left
        rm $state/rest; cp $state/ledger.jsonl kept; umount $state; cp kept $state/ledger.jsonl
        """, reason: "No space left on device"),
  ]

  /// What other people's programs make of metrics: Prometheus' `promtool` of the older format, and the parser of its
  /// Python library of OpenMetrics. They see a guest that has all that can be had, so every family there is.
  static let metricReaders = [
    Case(
      "metrics-are-read-by-others",
      script: """
        command -v promtool > /dev/null || { echo 'FAILED: there is no promtool: make .build-tools/promtool'; exit 1; }
        truncate -s 4M kept
        rowhouse run --detach --name all $GUESTS/disk.elf --timeout 60 --cpu-quota 50% --cpu-burst 5ms \\
          --balloon 0M --memory-max 512M \\
          --disk kept,read-bandwidth=2M,write-bandwidth=3M,bandwidth=4M,iops=400,budget=1G \\
          --net socket=cable,rx-bandwidth=5M,tx-packets=600,packets=700,budget=2G -- count=10000000 bytes=512 > said
        rowhouse run --detach --name none $GUESTS/hello.elf > said; cp kept image
        rowhouse run --detach --name done $GUESTS/disk.elf --timeout 60 --disk image -- count=50 bytes=4096 > said
        rowhouse wait done; rowhouse wait none; rm said image; rowhouse pause all
        rowhouse metrics --format prometheus > text; promtool check metrics < text || echo 'FAILED: promtool'
        echo "$(grep -c '^# TYPE' text) families"
        rowhouse metrics > text; /usr/bin/python3 read.py < text || echo 'FAILED: the parser of OpenMetrics'
        rowhouse kill all; rowhouse remove --all; rm -f text cable
        """,
      files: [
        "read.py": Array(
          """
          import sys
          from prometheus_client.openmetrics.parser import text_string_to_metric_families
          families = list(text_string_to_metric_families(sys.stdin.read()))
          print(len(families), "families of", *sorted({family.type for family in families}))
          for family in families:
              for sample in family.samples:
                  labels = sample.labels
                  ends = "_bucket", "_sum", "seconds", "seconds_total"
                  if labels["guest"] != "none" and not sample.name.endswith(ends):
                      place = labels.get("direction", ""), labels.get(family.name, "")
                      name = sample.name.removeprefix("rowhouse_guest_")
                      print(labels["guest"], name, *filter(None, place), sample.value)
          """.utf8)
      ],
      says: [
        "50 families\n", "50 families of counter gauge histogram info stateset\n",
        "all info 1\n", "done info 1\n", "all up 1\n", "done up 0\n",
        "all state running 0\n", "all state paused 1\n", "done state ended 1\n",
        "all verdict poweroff 0\n", "done verdict poweroff 1\n", "all cpu_quota_ratio 0.5\n",
        "all memory_resident_limit_bytes 536870912\n",
        "done disk_bytes_total write 204800\n", "done disk_requests_total write 50\n",
        "done disk_latency_seconds_count write 50\n", "all disk_limit_bytes_per_second read 2097152\n",
        "all disk_limit_bytes_per_second write 3145728\n", "all disk_limit_bytes_per_second both 4194304\n",
        "all disk_limit_requests_per_second both 400\n", "all disk_budget_bytes 1073741824\n",
        "all disk_budget_used_up 0\n", "all network_limit_bytes_per_second receive 5242880\n",
        "all network_limit_packets_per_second send 600\n", "all network_limit_packets_per_second both 700\n",
        "all network_budget_bytes 2147483648\n",
      ], neverSays: ["done memory_resident_bytes", "done cpus", "done memory_allotted_bytes"])
  ]

  /// The ledger and the commands that show meters of many guests.
  static let readers: [Case] = [
    Case(
      "ledger-has-every-end-once",
      script: """
        \(ledger)
        rowhouse run $GUESTS/exitcode.elf --name front --quiet -- code=3
        rowhouse run --detach --name back $GUESTS/hello.elf && rowhouse wait back && rowhouse list && rowhouse wait back
        rowhouse run --detach --name gone $GUESTS/echo.elf --timeout 60; kill -9 $(figure gone process)
        until rowhouse list | grep -q crashed; do sleep 0.02; done
        rowhouse remove --all
        rowhouse run $GUESTS/missing.elf 2> said; rm said
        ends; rowhouse bill --format csv
        """,
      says: [
        "front debugExit\nback poweroff\ngone crashed\n", "name,runs,cpu_seconds", "back,1,", "front,1,", "gone,1,",
      ]),
    Case(
      "ledger-has-it-once-when-many-look",
      script: """
        \(ledger)
        for turn in 1 2 3; do
          rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60; process=$(figure one process)
          kill -9 $process; gone $process
          for looker in 1 2 3 4 5 6; do rowhouse list > said$looker & done; wait; rowhouse remove one
        done
        rm said?; ends
        """,
      says: ["one crashed\none crashed\none crashed\n"], neverSays: ["crashed\none crashed\none crashed\none crashed"]),
    // A name that comes back gets a new folder while others still look at the one before.
    Case(
      "ledger-has-each-once-when-a-name-comes-back",
      script: """
        \(ledger)
        for looker in 1 2; do (until [ -e done ]; do rowhouse list > said$looker; done) & done
        for turn in $(seq 60); do
          rowhouse run --detach --name one $GUESTS/hello.elf > said 2>&1; rowhouse wait one 2> said
        done
        touch done; wait; rm said said1 said2 done; rowhouse remove --all
        ledger | grep -o '"run":"[0-9a-f]*"' > runs
        echo "$(wc -l < runs) records of $(sort -u runs | wc -l) guests"; rm runs
        """,
      says: ["60 records of 60 guests"]),
    Case(
      "ledger-totals-are-the-last-page",
      script: """
        \(ledger)
        truncate -s 64M image
        rowhouse run --detach --name writes $GUESTS/disk.elf --timeout 60 --disk image -- journal=10000 depth=4
        rowhouse run --detach --name hears $GUESTS/net.elf --timeout 60 --net socket=cable -- host=1
        until rowhouse logs hears | grep -q answering; do sleep 0.02; done
        rowhouse run --detach --name tells $GUESTS/net.elf --timeout 60 --net socket=cable \\
          -- host=2 peer=1 count=100000000 bytes=1000 stream
        until rowhouse logs writes | grep -q safe=; do sleep 0.02; done
        until rowhouse meter tells | grep -q 'net0 sent .*iB '; do sleep 0.02; done
        of() { sed -n 's/.*"'$1'":\\([0-9]*\\)[,}].*/\\1/p'; }
        for name in writes tells hears; do
          process=$(figure $name process); kill -9 $process; gone $process; json $name > page
          rowhouse remove $name; ledger | grep '"name":"'$name'"' > record
          for pair in cpu_nanoseconds=run_nanoseconds device_nanoseconds=device_nanoseconds \\
            resident_byte_seconds=resident_byte_seconds console_bytes=output_bytes \\
            'disk_written_bytes=written":{"bytes' \\
            'network_received_bytes=received":{"bytes' 'network_sent_bytes=sent":{"bytes'; do
            page=$(of ${pair#*=} < page); record=$(of ${pair%%=*} < record)
            [ "${page:-0}" = "$record" ] || echo "FAILED: ${pair%%=*} is $record, the last page has $page"
            [ "$record" = 0 ] || echo "$name ${pair%%=*}"
          done
        done
        rm -f image cable page record
        """,
      says: [
        "writes resident_byte_seconds\nwrites console_bytes\nwrites disk_written_bytes\n",
        "tells network_received_bytes\ntells network_sent_bytes\n",
        "hears network_received_bytes\nhears network_sent_bytes\n",
      ]),
    // Guests that are killed at a goal leave their folders behind.
    // What `list` says while a guest runs is no more than what the ledger has at last, also of one that was killed.
    Case(
      "list-has-cpu-time-that-never-falls",
      script: """
        \(ledger)
        truncate -s 4M kept
        listed() { rowhouse list --json | sed -n 's/.*"cpu_nanoseconds" : \\([0-9]*\\).*/\\1/p'; }
        for end in stop kill; do
          rowhouse run --detach --name one $GUESTS/disk.elf --timeout 60 --disk kept -- count=1000000 bytes=4096 > said
          until [ -n "$(listed)" ]; do sleep 0.01; done
          last=0
          for look in $(seq 20); do
            now=$(listed); [ "$now" -ge $last ] || echo "FAILED: $last, then $now"
            last=$now; sleep 0.05
          done
          if [ $end = stop ]; then rowhouse stop one --grace 0; fi
          if [ $end = kill ]; then vmm=$(figure one process); kill -9 $vmm; gone $vmm; fi
          rowhouse wait one 2> said; now=$(listed)
          [ $last -gt 0 ] && [ "$now" -ge $last ] && echo "$end keeps it" || echo "FAILED: $last, then $now"
          rowhouse remove one
        done
        rm said
        """, says: ["stop keeps it\nkill keeps it\n"], neverSays: ["FAILED"]),
    Case(
      "ledger-has-no-run-of-a-benchmark",
      script: """
        \(ledger)
        rowhouse run $GUESTS/hello.elf --name own > said
        bench="-n 2 --warmup 0 --vmm rowhouse-run"
        rowhouse bench boot $GUESTS/burn.elf $bench --until marker:burning > said && cat said
        rowhouse bench boot $GUESTS/hello.elf $bench > said && cat said
        rm said; ends; rowhouse list; ls tmp/.local/state
        """, says: ["rowhouse-run", "rowhouse-run", "own poweroff\nNAME", "\nrowhouse\n"], warningLines: 1),
    unwritable(
      "ledger-that-is-a-folder", spoil: "mkdir $state/ledger.jsonl", mend: "rmdir $state/ledger.jsonl",
      reason: "Is a directory"),
    Case(
      "top-host-and-metrics",
      script: """
        \(ledger)
        for name in one two; do
          rowhouse run --detach --name $name $GUESTS/burn.elf --timeout 60 --cpu-quota 10% > said
        done
        rowhouse top --once --sort name; rowhouse host; rowhouse host --json; rowhouse metrics
        timeout 1 rowhouse top --interval 0.2 > said; [ $(grep -c '^2 guests' said) -ge 2 ] && echo again
        rowhouse kill one two; rowhouse remove --all; rm said
        """,
      says: [
        "2 guests  cpu", "NAME", "one ", "running", "two ", "2 guests on ", "cpu\n  may use [a",
        "20% of", "a one ", " of 10%", "b two ", " of 10%", "memory\n", "disk\n  may use no guest has one\n",
        "\"cpu_allotted_basis_points\" : 1000", "\"cpu_allotted_basis_points\" : 1000", "# TYPE rowhouse_guest info",
        "rowhouse_guest_cpu_seconds_total{guest=\"one\",cpu=\"0\"}", "# EOF", "again",
      ]),
    Case(
      "host-shows-what-the-kernel-counts",
      script: """
        \(ledger)
        truncate -s 256M kept
        rowhouse run --detach --name disk $GUESTS/disk.elf --timeout 60 --cpu-quota 40% \\
          --disk kept,read-bandwidth=1M,write-bandwidth=8M -- count=100000 bytes=8192 > said
        rowhouse run --detach --name hears $GUESTS/net.elf --timeout 60 --cpu-quota 40% --net socket=cable -- host=1 > said
        until rowhouse logs hears | grep -q answering; do sleep 0.02; done
        rowhouse run --detach --name tells $GUESTS/net.elf --timeout 60 --cpu-quota 40% \\
          --net socket=cable,tx-bandwidth=256K -- host=2 peer=1 count=1000000 bytes=1000 stream > said
        until rowhouse meter tells | grep -q 'net0 sent .*KiB '; do sleep 0.1; done
        # In the middle of what the kernel counts, both between the same clock times.
        process=$(figure disk process)
        ticks() { awk '{ sub(/.*\\) /, ""); print $12 + $13 }' /proc/$process/stat; }
        look() { echo "$1 $(milliseconds) $(stat -c %b kept) $(ticks)"; }
        look before; sleep 0.5; rowhouse host --json | tr -d ' \\n' > host; sleep 0.5; look after
        guest() { sed 's/{"cpu_allotted/\\n&/g' host | grep '"name":"'$1'"'; }
        flow() { guest $1 | sed 's/.*"'$2'":{[^}]*"'$3'_bytes_per_second":\\([0-9]*\\).*/\\1/'; }
        echo "disk $(flow disk disk used) $(flow disk disk allotted)"
        share() { guest disk | sed 's/.*"'$1'_used_basis_points":\\([0-9]*\\).*/\\1/'; }
        echo "cpu $(($(share cpu) + $(share device)))"
        for name in hears tells; do echo "$name $(flow $name network used)"; done
        echo "machine $(sed 's/.*"memory_in_use_bytes":\\([0-9]*\\).*/\\1/' host)"
        echo "kernel $(($(awk '/^MemTotal/ { all = $2 } /^MemAvailable/ { print all - $2 }' /proc/meminfo) * 1024))"
        guest tells | grep -o '"limit":"[a-z]*"'
        rowhouse kill --all; rowhouse remove --all; rm said host; rm -f cable
        """, says: ["\"limit\":\"partial\""]
    ) { outcome in
      let figures = outcome.figures
      guard let before = figures["before"], let after = figures["after"], before.count == 3, after.count == 3,
        let disk = figures["disk"], disk.count == 2, let cpu = figures["cpu"]?.first,
        let hears = figures["hears"]?.first, let tells = figures["tells"]?.first,
        let machine = figures["machine"]?.first, let kernel = figures["kernel"]?.first, after[0] > before[0]
      else {
        Issue.record("\(outcome.outputText)")
        return
      }
      func isNear(_ value: Int, _ other: Int, within share: Double) -> Bool {
        abs(Double(value) - Double(other)) <= share * Double(other)
      }
      // Blocks of 512 bytes that the file has grown by: the guest writes it from one end to the other.
      let grown = (after[1] - before[1]) * 512 * 1000 / (after[0] - before[0])
      #expect(isNear(disk[0], grown, within: 0.25) && disk[1] == 9 << 20, "\(outcome.outputText)")
      // A hundredth of a second in milliseconds is so many hundredths of a per cent.
      let busy = (after[2] - before[2]) * 100_000 / (after[0] - before[0])
      #expect(abs(cpu - busy) < 1000, "\(busy)\n\(outcome.outputText)")
      #expect(isNear(tells, 256 << 10, within: 0.25) && isNear(hears, 256 << 10, within: 0.25), "\(outcome.outputText)")
      #expect(abs(machine - kernel) < 256 << 20, "\(outcome.outputText)")
    },
    Case(
      "host-has-the-affinity-of-its-shell",
      script: """
        rowhouse host --json > said; all=$(nproc)
        first=$(awk '/^Cpus_allowed_list/ { print $2 + 0 }' /proc/self/status)
        taskset -c $first rowhouse host --json > one
        grep -q '"cpus" : '$all, said && grep -q '"cpus" : 1,' one && echo counted
        [ $all = 1 ] || grep -o '"cpu_limited_by" : "CPU affinity"' one || echo FAILED; rm said one
        """, says: ["counted\n"], neverSays: ["FAILED"]),
    Case(
      "readers-wait-for-all-silent-guests-at-once",
      script: """
        \(ledger)
        for name in a b c d e f g h; do rowhouse run --detach --name $name $GUESTS/echo.elf --timeout 60 > said; done
        rm said
        stopped=$(rowhouse list --json | sed -n 's/.*"process" : \\([0-9]*\\).*/\\1/p'); kill -STOP $stopped
        start=$(milliseconds); rowhouse metrics | grep -c '^rowhouse_guest_up.* 0$'
        echo "metrics $(($(milliseconds) - start))"; start=$(milliseconds); rowhouse host | head -n 1
        echo "host $(($(milliseconds) - start))"; rowhouse top --once | grep -c '^[a-h] .* silent  *-  *- '
        rowhouse host --json | grep -c '"state" : "silent"'; rowhouse meter a | head -n 1
        kill -CONT $stopped; rowhouse metrics | grep -c '^rowhouse_guest_up.* 1$'; rowhouse host | head -n 1
        rowhouse kill --all; rowhouse remove --all
        """,
      says: ["8\n", "8 guests (8 silent) on ", "8\n8\na: silent, ", "8\n8 guests on "]
    ) { outcome in
      // One after the other they would take 4 and 8 seconds.
      guard let metrics = outcome.figures["metrics"]?.first, let host = outcome.figures["host"]?.first else {
        Issue.record("\(outcome.outputText)")
        return
      }
      #expect(metrics < 2500 && host < 4000, "\(outcome.outputText)")
    },
    Case(
      "metrics-are-served",
      script: """
        rowhouse metrics --serve 127.0.0.1:0 2> said & server=$!; await said serving
        address=$(sed 's/.*\\(http[^ ]*\\)/\\1/' said)
        rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60
        wget -q -O - "$address"; wget -q -O - --header 'Accept: application/openmetrics-text' "$address" | tail -n 1
        wget -q -O - "$address/no" || echo refused
        rowhouse kill one; rowhouse wait one; rm run/rowhouse/one/settled
        printf '\\377' | dd of=run/rowhouse/one/meter bs=1 seek=8 conv=notrunc 2> /dev/null
        for look in 1 2 3; do wget -q -O - "$address" > /dev/null; done; echo "warned $(grep -c 'another version' said) time"
        kill $server; wait $server; rowhouse remove --force one; rm said
        """,
      says: ["one\n", "# TYPE rowhouse_guest_cpu_seconds_total counter\n", "# EOF\n", "refused", "warned 1 time"]),
    Case(
      refused: "metrics-for-the-world", "rowhouse metrics --serve 0.0.0.0:9464", naming: "--serve 0.0.0.0:9464",
      "this machine only"),
    Case(
      "bill-names-lines-that-are-no-records",
      script: """
        \(ledger)
        rowhouse run $GUESTS/hello.elf --name own > said; rm said
        printf '{"run":"half\\n{}\\n' >> tmp/.local/state/rowhouse/ledger.jsonl
        rowhouse run $GUESTS/hello.elf --name own > said; rm said
        rowhouse bill --format csv
        """,
      status: 1, says: ["\r\nown,2,"], warns: ["ledger.jsonl: 2 lines are no records, and not in the bill: 2, 3; "],
      warningLines: 3),
    Case(refused: "bill-since-never", "rowhouse bill --since never", naming: "--since never"),
    Case(refused: "bill-by-moon", "rowhouse bill --by moon", naming: "--by moon", "name or day"),
    Case(refused: "top-by-luck", "rowhouse top --sort luck", naming: "--sort luck"),
    Case(refused: "metrics-as-a-poem", "rowhouse metrics --format poem", naming: "--format poem"),
  ]
}
