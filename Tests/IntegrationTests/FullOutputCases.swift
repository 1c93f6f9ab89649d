import Testing

extension Case {
  /// Standard output that takes nothing (full(4)).
  static let fullOutputs: [Case] = [
    Case(
      "what-is-printed-is-lost",
      script: """
        \(detach("one", "echo")); rowhouse expect one echoing; rowhouse disk create tmp/disk 1M
        full() {
          timeout 20 rowhouse "$@" > /dev/full 2> said
          echo "full: $*: $? $(grep -c 'standard output: ' said) $(wc -l < said) $(sed 's/.*: //' said)"; rm said
        }
        for command in list 'list --json' 'list --watch' 'show one' 'show one --json' 'meter one' 'meter one --json' \\
          'top --once' top host 'host --json' bill metrics 'logs one' 'expect one echoing' 'console one --read-only' 'disk info tmp/disk' \\
          'run --detach '$GUESTS/hello.elf --help 'help list' --version; do full $command; done
        rowhouse stop --all --remove --grace 0; rm tmp/disk
        """, says: ["one\n", "echoing\n"], warningLines: 0
    ) { outcome in
      let lines = outcome.outputText.split(separator: "\n").filter { $0.hasPrefix("full: ") }
      #expect(lines.count == 21)
      // Why the first pieces of much output failed is forgotten by the end of it.
      for line in lines {
        #expect(line.contains(/: 1 1 1 (No space left on device|not all could be written)(; the guest runs as hello-....)?$/), "\(line)")
      }
    },
    // Its own failure says more.
    Case(
      "what-is-printed-is-lost-by-a-command-that-fails",
      script: """
        rowhouse list nonsense > /dev/full; echo "status $?"
        rowhouse run $GUESTS/exitcode.elf --console none --quiet -- code=3 > /dev/full; echo "status $?"
        """, says: ["status 2\nstatus 7\n"], warningLines: 1),
  ]
}
