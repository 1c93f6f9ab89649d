import Testing

extension Case {
  /// Guests that are about to start or have just ended, and VMMs that cannot be asked.
  static let streetMoments: [Case] = [
    Case(
      "expect-hears-a-guest-that-has-just-ended",
      script: """
        \(rounds("rowhouse expect one Hello --timeout 50"))
        sort statuses | uniq -c; rm statuses got said; rowhouse remove one
        """, says: [" 50 0 Hello\n"], warningLines: 0),
    // Both that its VMM still lets it in and that it comes too late for that.
    Case(
      "console-shows-a-guest-that-has-just-ended",
      script: """
        \(rounds("rowhouse console one --read-only")); sort statuses | uniq -c; rm statuses got
        sort said | uniq -c; rm said; rowhouse console one --replay 8; rowhouse console one --no-replay
        rowhouse console one | head -c 5; rowhouse remove one
        """, says: [" 50 0 Hello\n", " 50 rowhouse: one: the guest powered off\n"],
      warns: ["one: the guest powered off"], warningLines: 3),
    Case(
      "crashed-guest's-console-is-shown",
      script: """
        \(detach("one", "echo")); rowhouse expect one echoing; vmm=$(rowhouse show one | sed -n 's/^process: *//p')
        kill -9 $vmm; gone $vmm; rowhouse console one; echo "status $?"; rowhouse remove one
        """, says: ["echoing\n", "echoing until a line says exit", "status 137\n"],
      warns: ["one: its VMM died before"], warningLines: 1),
    Case(
      "starting-guest-is-stopped-by-its-button",
      script: """
        \(slowStart("button")); rowhouse stop one --grace 50; echo "status $?"; wait $run; echo "status $?"
        rowhouse list; rowhouse logs one; rm -r bin name; rowhouse remove one
        """,
      says: ["status 0\nstatus 0\n", "one   ended", "poweroff\n", "the power button was pressed"], warningLines: 0),
    Case(
      "starting-guest-is-killed",
      script: """
        \(slowStart("echo")); rowhouse kill one; echo "status $?"; wait $run; echo "status $?"; rowhouse list
        rm -r bin name; rowhouse remove one
        """, says: ["status 0\nstatus 0\n", "one   ended", "killed\n"], warningLines: 0),
    Case(
      "starting-guest's-console-is-waited-for",
      script: """
        \(slowStart("echo")); rowhouse expect one 'echoing until'; echo "status $?"; wait $run
        rm -r bin name; rowhouse stop --all --remove --grace 0
        """, says: ["echoing until\nstatus 0\n"], warningLines: 0),
    // Nobody listens where it is asked; it still says how its guest ended.
    Case(
      "VMM-that-cannot-be-asked-is-told-by-a-signal",
      script: """
        \(detach("one", "echo")); cd run/rowhouse/one; mv control.sock away; : > control.sock; cd ../../..
        rowhouse stop one --grace 0; echo "status $?"; rowhouse list; rowhouse remove one
        """, says: ["status 0\n", "one   ended", "stopped\n"],
      warns: ["one: its VMM has ended the connection", "its power button was not pressed"], warningLines: 1),
    Case(
      "console-of-a-VMM-that-stands-still",
      script: """
        \(detach("one", "echo")); vmm=$(rowhouse show one | sed -n 's/^process: *//p')
        kill -STOP $vmm; rowhouse console one; echo "status $?"
        rowhouse show one | grep state; kill -CONT $vmm; rowhouse show one | grep state
        rowhouse stop --all --remove --grace 0
        """, says: ["one\n", "status 1\n", "state:        silent\n", "state:        running\n"],
      warns: ["one: its VMM does not answer"], warningLines: 1),
    // Each is held and connected to.
    Case(
      "named-guests-have-as-many-descriptors-as-all",
      script: """
        for name in a b c d e; do \(detach("$name", "echo")); done
        (ulimit -Sn 12; rowhouse pause a b c d e; echo "status $?"); rowhouse list | grep -c paused
        rowhouse stop --all --remove --grace 0
        """, says: ["a\nb\nc\nd\ne\nstatus 0\n5\n"], warningLines: 0),
    Case(
      "stop-removes-all-that-can-be-removed",
      script: """
        \(detach("one", "echo")); \(detach("two", "echo")); mkdir run/rowhouse/one/mine
        rowhouse stop one two --remove --grace 0; echo "status $?"; rowhouse list; rmdir run/rowhouse/one/mine
        rowhouse remove one
        """, says: ["status 1\n", "one   "], warns: ["/run/rowhouse/one: it cannot be removed"], warningLines: 1
    ) { $0.expectNo("two  ") },
    Case(
      "wait-for-several",
      script: """
        \(detach("one", "hello")); \(detach("two", "exitcode", "-- code=7")); rowhouse wait one two; echo "status $?"
        rowhouse wait two one; echo "status $?"; rowhouse list; \(detach("three", "echo"))
        rowhouse wait one three --timeout 0.1; echo "status $?"; rowhouse stop --all --remove --grace 0
        """,
      says: [
        "one: the guest powered off (exit status 0)\n",
        "two: the guest left by the debug exit with the value 7 (exit status 15)\nstatus 15\n",
        "two: ", "one: ", "status 0\n", "two   ended", "debugExit (15)\n", "one: ", "status 124\n",
      ], warningLines: 0),
    Case(
      "logs-begin-with-the-last-lines",
      script: """
        rowhouse run --detach --name one $GUESTS/flood.bin --boot flat --load-address 0x10000 --console-log 64K
        rowhouse logs one --tail 2 --follow | tail -n 1; rowhouse wait one; rowhouse logs one > all
        for lines in 0 1 3 99999; do
          tail -n $lines all > some; rowhouse logs one --tail $lines | cmp - some && echo same; done
        rowhouse logs one --tail none; echo "status $?"; rowhouse remove one; rm all some
        """, says: ["one\n", "line 09599 here\n", "same\nsame\nsame\nsame\nstatus 2\n"],
      warns: ["--tail none: give a number of lines"], warningLines: 1),
    Case(
      "log-that-is-not-there",
      script: """
        \(detach("one", "echo", "--console-log 0M")); rowhouse logs one; echo "status $?"
        mkdir run/rowhouse/one/console.log; rowhouse logs one; echo "status $?"; rmdir run/rowhouse/one/console.log
        rowhouse stop --all --remove --grace 0
        """, says: ["status 2\nstatus 1\n"],
      warns: ["one: the guest has no console.log", "one: console.log: Is a directory"], warningLines: 2),
  ]

  /// Runs a guest that says a word and ends, fifty times, and looks at it while it does. Each time the command's
  /// status and the first word of what it says go into `statuses`.
  private static func rounds(_ command: String) -> String {
    """
    for round in $(seq 50); do
      [ $round = 1 ] || rowhouse remove one; rowhouse run --detach --name one $GUESTS/hello.elf --memory 32M > got
      \(command) > got 2>> said; echo "$? $(head -n 1 got | cut -c 1-5)" >> statuses; rowhouse wait one
    done
    """
  }

  /// A guest whose VMM takes half a second to start, and what started it as `$run`.
  private static func slowStart(_ guest: String) -> String {
    """
    mkdir bin; cp $(command -v rowhouse) bin/
    printf '#!/bin/sh\\nsleep 0.5\\nexec %s "$@"\\n' $(command -v rowhouse-vmm) > bin/rowhouse-vmm; chmod 700 bin/*
    bin/\(detach("one", guest)) > name & run=$!; until rowhouse list | grep -q starting; do sleep 0.02; done
    """
  }
}
