import Testing

extension Case {
  /// A guest's memory, given and taken back while it runs. What of it is resident the host's kernel says.
  static let linuxMemory = [
    Case(
      linux: "linux-gives-memory-to-the-balloon", "vmlinuz-6.12", "--memory 512M --balloon 256M",
      words:
        "'run=\"until [ $(awk /MemFree/{print\\$2} /proc/meminfo) -lt 240000 ]; do sleep 1; done; echo given up\"'",
      says: ["given up"], verdict: "poweroff"),
    // All that the kernel manages, by its own word on the console and by its balloon's: the host cannot see it.
    Case(
      onHardware: "linux-says-what-memory-it-has",
      script: """
        \(debian)
        debian 'awk /MemTotal/{print\\$2} /proc/meminfo; read order' --detach --name one --balloon 0M || exit
        total=$(rowhouse expect one '^([0-9]+)\\n')
        rowhouse show one --json > said
        for figure in total free available; do
          sed -n "s/.*\\"${figure}_bytes\\" : \\([0-9]*\\).*/\\1/p" said
        done | { read all; read free; read available
          [ $all = $((total * 1024)) ] && [ $free -lt $all -a $available -lt $all ] && echo it agrees; }
        rowhouse show one | grep '^guest says:'; rm said
        rowhouse stop one --grace 0 --remove
        """, says: ["it agrees", " free, ", " in all"]),
    // Each time the guest fills all the memory that it has, but for a few MiB that Linux keeps free. While it does, it
    // may take back some of what it has given up.
    Case(
      onHardware: "linux-memory-follows-the-balloon",
      script: """
        \(memoryTools)
        start --balloon 0M || exit
        given() { echo $(($(figure one given_bytes) >> 10)) KiB; }
        tell fill filled; say "full with $(given)"; tell drop dropped
        give 128; say 'the balloon has the rest'; tell fill filled; say "full with $(given)"; tell drop dropped
        give 512; tell fill filled; say "full with $(given)"
        tell drop dropped; settle 131072; say 'dropped'
        rowhouse stop one --grace 0 --remove
        """
    ) { outcome in
      let resident = outcome.residentKiB
      guard resident.count == 5 else {
        Issue.record("\(outcome.outputText)")
        return
      }
      let given = outcome.outputText.matches(of: /full with (\d+) KiB/).compactMap { Int($0.1) }
      #expect(given.count == 3 && given[0] == 512 << 10 && given[2] == 512 << 10, "\(outcome.outputText)")
      #expect(given.count == 3 && (128 << 10...144 << 10).contains(given[1]), "\(outcome.outputText)")
      for (measured, due) in zip([resident[0], resident[2], resident[3]], given) {
        #expect(abs(measured - due) <= due / 20, "\(outcome.outputText)")
      }
      #expect(resident[1] <= (128 << 10) * 105 / 100, "the balloon: \(outcome.outputText)")
      #expect(resident[4] < 128 << 10, "free page reporting: \(outcome.outputText)")
    },
    // A guest that has given up too much takes it back: before Linux kills for memory, it asks whoever can spare some,
    // its balloon among them, which lets go of a MiB each time (Linux 6.1 and 6.12: an OOM notifier, and of the guest's
    // memory a part that all its programs together could not have). The balloon's target stays as it was.
    Case(
      onHardware: "linux-lives-by-what-its-balloon-gives-back",
      script: """
        \(meters)
        \(debian)
        debian 'mount -t tmpfs -o size=100% all /tmp; dmesg -c > /dev/null; \
        have() { awk /$1:/{print\\$2} /proc/meminfo; }; \
        grab() { dd if=/dev/zero of=/tmp/all bs=1M count=$1 2> /dev/null; echo grabbed $(have Shmem) KiB; }; \
        kills() { echo killed $(dmesg | grep -c -i -e oom-kill -e out.of.memory) times; }; \
        free() { echo free $(have MemFree) KiB; }; echo ready; while read order; do $order; done' \
          --detach --name one --memory 512M --balloon 384M && rowhouse expect one ready || exit
        tell() { rowhouse send one "$1" --enter --expect "$2" --timeout 200 || exit; }
        given() { echo $(($(figure one given_bytes) >> 10)); }
        until [ $(given) = 131072 ]; do sleep 0.1; done
        free=$(tell free 'free ([0-9]+) KiB'); wanted=$((free / 1024 + 100))
        grabbed=$(tell "grab $wanted" 'grabbed ([0-9]+) KiB'); tell kills 'killed [0-9]+ times'
        [ $free -lt 131072 ] && [ $grabbed -ge $((wanted << 10)) ] && echo 'more than there was'
        [ $(given) -ge $((131072 + (90 << 10))) ] && echo 'its balloon gave way'
        rowhouse show one | grep ^balloon; echo "$free KiB were free, $grabbed KiB were taken, $(given) KiB are given"
        rowhouse stop one --grace 0 --remove
        """,
      says: ["killed 0 times", "more than there was", "its balloon gave way", " of 384M"]),
    // Linux keeps of a disk what it has read, as long as it has memory for it.
    Case(
      onHardware: "linux-stays-below-its-memory-limit",
      script: """
        \(memoryTools)
        truncate -s 400M kept
        debian 'echo ready; while read order; do cat /dev/vda > /dev/null; echo done; done' --detach --name one \
          --memory 512M --balloon 0M --memory-max 192M --disk kept,readonly && rowhouse expect one ready || exit
        tell read done; settle 196608; say 'after the first time'
        rowhouse send one read --enter; most=0
        for look in $(seq 40); do now=$(resident); [ $now -le $most ] || most=$now; sleep 0.25; done
        echo "the most: $most KiB"; rowhouse stop one --grace 0 --remove
        """
    ) { outcome in
      let resident = outcome.residentKiB
      #expect(resident.count == 2 && resident.allSatisfy { 64 << 10 < $0 && $0 <= 208 << 10 }, "\(outcome.outputText)")
    },
  ]

  /// `start OPTION…` starts Debian with 512 MiB as `one`, which takes two orders: `tell fill filled` has it write all
  /// the memory that it can have, `tell drop dropped` free that. `give MEBIBYTES` moves the balloon and waits until it
  /// is there. `say WHAT` prints what is `resident` of the guest's memory and the VMM's, without its program, of which
  /// as much is as the host's kernel likes to map; `settle KIB` waits for up to a minute until it is no more than that.
  private static let memoryTools = """
    \(meters)
    \(debian)
    start() {
      debian 'mount -t tmpfs -o size=100% all /tmp; \
    fill() { while [ $(awk /MemAvailable/{print\\$2} /proc/meminfo) -gt 8000 ]; do \
    dd if=/dev/zero of=/tmp/$((n += 1)) bs=1M count=1 2> /dev/null; done; echo filled; }; \
    drop() { rm /tmp/*; echo dropped; }; \
    echo ready; while read order; do $order; done' --detach --name one --memory 512M "$@" && rowhouse expect one ready
    }
    tell() { rowhouse send one "$1" --enter --expect "$2" --timeout 200 || exit; }
    give() { rowhouse set one memory=$1M; until [ $(figure one given_bytes) = $(($1 << 20)) ]; do sleep 0.1; done; }
    resident() { awk '/^Rss(Anon|Shmem):/ { sum += $2 } END { print sum }' /proc/$(vmm)/status; }
    settle() { for n in $(seq 60); do [ $(resident) -gt $1 ] || break; sleep 1; done; }
    say() { echo "$1: $(resident) KiB"; }
    """
}

extension Outcome {
  /// What ``Case/memoryTools`` said with `say`.
  fileprivate var residentKiB: [Int] {
    outputText.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      return words.last == "KiB" ? words.dropLast().last.flatMap { Int($0) } : nil
    }
  }
}
