import Testing

extension Case {
  /// `rowhouse top` on terminals, which tmux makes: ten guests, each with a quota of its own, on a small and on a large
  /// screen. Each screen is printed behind its number of columns, and what the meters said before it and after it in
  /// lines like `before-80-guest3 CPU-TIME MILLISECONDS RESIDENT`.
  static let topOnTerminals: [Case] = [
    Case(
      "top-on-terminals",
      script: """
        \(meters)
        numbers='0 1 2 3 4 5 6 7 8 9'
        command -v tmux > /dev/null || { echo 'FAILED: there is no tmux'; exit 1; }
        for number in $numbers; do
          rowhouse run --detach --name guest$number $GUESTS/burn.elf --timeout 100 --cpu-quota $((number + 1))% > said
        done
        look() {
          for number in $numbers; do
            json guest$number > said
            cpu=$(grep -o '"\\(device\\|run\\)_nanoseconds":[0-9]*' said |
              awk -F: '{ sum += $2 } END { printf "%d", sum }')
            echo "$1-guest$number $cpu $(milliseconds) $(sed 's/.*"resident_bytes":\\([0-9]*\\).*/\\1/' said)"
          done
        }
        onscreen() { tmux -L "rowhouse$$" capture-pane -p; }
        for size in '80 24' '200 50'; do
          set -- $size
          tmux -L "rowhouse$$" -f /dev/null new-session -d -x $1 -y $2 rowhouse top --sort name --interval 2
          until onscreen | grep -q guest9; do sleep 0.1; done; sleep 0.5
          look before-$1; sleep 2; look after-$1; onscreen | sed "s/^/$1 columns: /"
          tmux -L "rowhouse$$" send-keys m; until onscreen | grep -q 'by memory'; do sleep 0.1; done
          tmux -L "rowhouse$$" send-keys q; sleep 0.5
          tmux -L "rowhouse$$" kill-server 2> /dev/null && echo 'FAILED: q does not end it'
        done
        rowhouse kill --all; rowhouse remove --all; rm said
        """,
      says: ["80 columns: 10 guests  cpu", "200 columns: 10 guests  cpu"]
    ) { outcome in
      for columns in [80, 200] {
        let screen = outcome.outputText.split(separator: "\n").compactMap { line -> Substring? in
          let prefix = "\(columns) columns: "
          return line.hasPrefix(prefix) ? line.dropFirst(prefix.count) : nil
        }
        #expect(screen.allSatisfy { $0.count <= columns })
        let hasSparks = screen.contains { $0.contains("▁") || $0.contains("█") }
        #expect(hasSparks == (columns == 200), "\(outcome.outputText)")
        for number in 0..<10 { outcome.expectGuest(number, columns, on: screen) }
      }
    }
  ]
}

extension Outcome {
  /// A guest's line shows what its meter says, and no more than its quota.
  fileprivate func expectGuest(_ number: Int, _ columns: Int, on screen: [Substring]) {
    let lines = screen.compactMap { try? /guest(\d) +running +([0-9.]+)%.*? ([0-9.]+) MiB.*/.wholeMatch(in: $0) }
    guard let line = lines.first(where: { $0.1 == "\(number)" }),
      let share = Double(line.2),
      let mebibytes = Double(line.3),
      let before = figures["before-\(columns)-guest\(number)"], let after = figures["after-\(columns)-guest\(number)"],
      before.count == 3, after.count == 3, after[1] > before[1]
    else {
      Issue.record("guest\(number) is not there:\n\(outputText)")
      return
    }
    let metered = Double(after[0] - before[0]) / Double(after[1] - before[1]) / 1e4
    let quota = Double(number + 1)
    // The interval that the screen shows is another one, by up to two seconds, and it has the I/O thread with it, which
    // no quota holds.
    #expect(abs(share - metered) < 2 && share < quota + 3, "guest\(number): \(metered)\n\(outputText)")
    #expect(abs(mebibytes - Double(after[2]) / 1_048_576) < 0.5, "guest\(number): \(after[2])\n\(outputText)")
  }
}
