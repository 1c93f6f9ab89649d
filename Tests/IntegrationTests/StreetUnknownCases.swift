import Testing

extension Case {
  /// Guests of which nobody can tell whether they live: no command takes that for an end.
  static let streetUnknown: [Case] = [
    // Root reads everything, until it gives that up.
    Case(
      "guest-that-cannot-be-looked-at",
      script: """
        may="setpriv --bounding-set=-dac_override,-dac_read_search"; [ "$(id -u)" = 0 ] || may=
        \(detach("one", "echo")); \(detach("two", "echo")); \(detach("three", "echo")); cd run/rowhouse
        chmod 000 two/meter; sees() { $may "$@"; echo "$1 $2 $?"; }
        sees rowhouse list; sees rowhouse wait two; sees rowhouse remove two; sees rowhouse show two
        sees rowhouse run --detach --name two $GUESTS/echo.elf --memory 16M
        chmod 600 two/meter; chmod 000 two
        sees rowhouse list; sees rowhouse kill two; sees rowhouse host; sees rowhouse stop --all --grace 0
        chmod 700 two; rowhouse list; rowhouse stop two --grace 0; rowhouse remove --all
        """,
      says: [
        "one    running", "two    unknown", "rowhouse list 1", "rowhouse wait 1", "rowhouse remove 1", "rowhouse show 1",
        "rowhouse run 1", "one    running", "two    unknown", "rowhouse list 1", "rowhouse kill 1", "rowhouse host 0",
        "rowhouse stop 1", "one    ended", "three  ended", "two    running",
      ], warns: ["/run/rowhouse/two: the guest cannot be looked at: Permission denied"]),
    // The limit is one that cannot be raised. What is not done is said.
    Case(
      "too-few-descriptors-for-all-guests",
      script: """
        for name in a b c d e f; do \(detach("$name", "echo")); done
        few() { (ulimit -n 9; rowhouse "$@"; echo "$1 $?"); }
        few list; few stop --all --grace 0; few kill --all; few remove --all; few pause --all; few wait a b c d e f
        rowhouse list | grep -c running; rowhouse stop --all --remove --grace 0
        """,
      says: ["list 1", "stop 1", "kill 1", "remove 1", "pause 1", "wait 1", "6\n"], warns: ["Too many open files"]),
    // Its VMM ends the guest, which nobody can stop any more, and leaves one guest and one line in the ledger.
    Case(
      "control-socket-is-removed",
      script: """
        \(detach("one", "echo")); \(detach("two", "echo")); rm run/rowhouse/one/control.sock
        rm run/rowhouse/two/*
        while [ "$(rowhouse list | grep -c killed)" != 2 ]; do sleep 0.1; done; rowhouse list | cut -c 1-11
        grep -o '"name" *: *"[a-z.0-9]*"' tmp/.local/state/rowhouse/ledger.jsonl | sort; rowhouse remove --all
        rm -r tmp/.local
        """,
      says: ["one\ntwo\nNAME", "one   ended", "two   ended", #""one""#, #""two""#],
      warningLines: 0
    ) { $0.expectNo(".1") },
    Case(
      "another-thing-at-a-guest's-name",
      script: """
        mkdir -m 700 run/rowhouse; : > run/rowhouse/one; ln -s /nowhere run/rowhouse/two; ln -s ../../tmp run/rowhouse/three
        for name in one two three; do \(detach("$name", "echo")); echo "run $?"; done; rowhouse list
        rm run/rowhouse/*
        """,
      says: ["run 2\nrun 2\nrun 2\nNAME"],
      warns: ["run/rowhouse/one is in the way, which is no guest's folder", "two is in the way", "three is in the way"],
      warningLines: 3
    ) { $0.expectNo("three") },
    Case(
      "detached-with-nobody-to-tell-the-name",
      script: """
        rowhouse run --detach $GUESTS/echo.elf --memory 16M > /dev/full; echo "status $?"
        rowhouse list | grep -c running; rowhouse stop --all --remove --grace 0
        """, says: ["status 1\n1\n"], warns: ["; the guest runs as echo-"], warningLines: 1),
    Case(
      "words-that-would-command-a-terminal",
      script: #"name=$(printf 'esc\033[31m\nred'); rowhouse wait "$name"; echo "status $?""#,
      says: ["status 2\n"], warns: [#"esc\u{1b}[31m\u{a}red: a name has"#], warningLines: 1),
  ]
}
