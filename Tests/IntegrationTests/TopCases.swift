import Testing

extension Case {
  /// `rowhouse top` on terminals, which tmux makes, on a small and on a large screen: seven guests with a quota each, one
  /// that writes to its disk, and two on a cable, of which one sends. Each screen is printed behind its number of
  /// columns, and what the meters said before it and after it in lines like `before-80-guest3 CPU-TIME MILLISECONDS
  /// RESIDENT`.
  static let topOnTerminals: [Case] = [
    Case(
      "top-on-terminals",
      script: """
        \(meters)
        numbers='0 1 2 3 4 5 6 7 8 9'
        command -v tmux > /dev/null || { echo 'FAILED: there is no tmux'; exit 1; }
        for number in 0 1 2 3 4 5 6; do
          rowhouse run --detach --name guest$number $GUESTS/burn.elf --timeout 100 --cpu-quota $((number + 1))% > said
        done
        start() { name=$1; shift; rowhouse run --detach --name $name --timeout 100 --cpu-quota 20% "$@" > said; }
        truncate -s 4M kept
        start guest7 $GUESTS/disk.elf --disk kept,write-bandwidth=128K -- count=100000 bytes=8192
        start guest8 $GUESTS/net.elf --net socket=cable -- host=1
        until rowhouse logs guest8 | grep -q answering; do sleep 0.02; done
        start guest9 $GUESTS/net.elf --net socket=cable,tx-bandwidth=64K \\
          -- host=2 peer=1 count=1000000 bytes=1000 stream
        look() {
          for number in $numbers; do
            json guest$number > said
            cpu=$(grep -o '"\\(device\\|run\\)_nanoseconds":[0-9]*' said |
              awk -F: '{ sum += $2 } END { printf "%.0f", sum }')
            echo "$1-guest$number $cpu $(milliseconds) $(sed 's/.*"resident_bytes":\\([0-9]*\\).*/\\1/' said)"
          done
        }
        onscreen() { tmux -L "rowhouse$$" capture-pane -p; }
        for size in '80 24' '200 50'; do
          set -- $size
          tmux -L "rowhouse$$" -f /dev/null new-session -d -x $1 -y $2 rowhouse top --sort name --interval 2
          until onscreen | grep -q guest9; do sleep 0.1; done; sleep 2.5
          look before-$1; sleep 2; look after-$1; onscreen | sed "s/^/$1 columns: /"
          tmux -L "rowhouse$$" send-keys m; until onscreen | grep -q 'by memory'; do sleep 0.1; done
          tmux -L "rowhouse$$" send-keys q; sleep 0.5
          tmux -L "rowhouse$$" kill-server 2> /dev/null && echo 'FAILED: q does not end it'
        done
        rowhouse kill --all; rowhouse remove --all; rm -f said cable
        """,
      says: ["80 columns: 10 guests  cpu", "200 columns: 10 guests  cpu"]
    ) { outcome in
      for columns in [80, 200] {
        let screen = outcome.outputText.split(separator: "\n").compactMap { line -> Substring? in
          let prefix = "\(columns) columns: "
          return line.hasPrefix(prefix) ? line.dropFirst(prefix.count) : nil
        }
        #expect(screen.allSatisfy { $0.count <= columns })
        for number in 0..<10 { outcome.expectGuest(number, columns, on: screen) }
      }
    }
  ]
}

extension Outcome {
  /// A guest's line shows what its meter says, what it is held to, and four sparklines.
  fileprivate func expectGuest(_ number: Int, _ columns: Int, on screen: [Substring]) {
    let lines = screen.compactMap { TopLine($0, spark: columns == 80 ? 4 : 32) }
    guard let line = lines.first(where: { $0.name == "guest\(number)" }),
      let before = figures["before-\(columns)-guest\(number)"], let after = figures["after-\(columns)-guest\(number)"],
      before.count == 3, after.count == 3, after[1] > before[1]
    else {
      Issue.record("guest\(number) is not there:\n\(outputText)")
      return
    }
    let said = Comment(rawValue: "guest\(number): \(before) \(after)\n\(outputText)")
    let metered = Double(after[0] - before[0]) / Double(after[1] - before[1]) / 1e4
    // The interval that the screen shows is another one, by up to two seconds; and it has the I/O thread with it, which
    // no quota holds. But a guest at 1 % is never at 0.
    #expect(abs(line.share - metered) < 0.3 * metered + 0.4, said)
    if number < 7 { #expect(line.share < 1.2 * Double(number + 1) + 0.5, said) }
    #expect(abs(line.memory - Double(after[2])) < 524_288, said)

    let rates = [7: 131_072.0, 8: 65_536, 9: 65_536]
    let (disk, network) = (number == 7 ? rates[number]! : 0, number > 7 ? rates[number]! : 0)
    #expect(line.disk >= 0.6 * disk && line.disk <= 1.15 * disk, said)
    #expect(line.network >= 0.6 * network && line.network <= 1.15 * network, said)
    for (spark, isFlowing) in zip(line.sparks[2...], [disk > 0, network > 0]) {
      #expect(spark.contains { "▅▆▇█".contains($0) } == isFlowing, said)
    }
  }
}

/// A guest's line on the screen of `rowhouse top`.
private struct TopLine {
  let name: Substring
  /// In per cent of a CPU.
  let share: Double
  /// In bytes, and bytes a second.
  let memory, disk, network: Double
  let sparks: [Substring]

  /// - Parameter spark: the width of the sparklines.
  /// - Returns: nil for a line that is none.
  init?(_ line: Substring, spark: Int) {
    let spark = " ([ ▁▂▃▄▅▆▇█]{\(spark)})"
    let size = #" +([0-9.]+) (B|KiB|MiB|GiB)"#
    let figures = [#" +([0-9.]+)%"#, size, size, size].map { $0 + spark }.joined()
    guard let match = try? Regex(#"(\S+) +running"# + figures + " +[0-9]+%").wholeMatch(in: line) else { return nil }
    let words = match.output.map { $0.substring ?? "" }
    func bytes(_ index: Int) -> Double {
      let units = ["B": 1.0, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824]
      return (Double(words[index]) ?? .nan) * (units[String(words[index + 1])] ?? .nan)
    }
    (name, share) = (words[1], Double(words[2]) ?? .nan)
    (memory, disk, network) = (bytes(4), bytes(7), bytes(10))
    sparks = [3, 6, 9, 12].map { words[$0] }
  }
}
