import Testing

extension Case {
  /// A script's `connects PROCESS` waits until a program has connected to guests: a moment after it has sockets.
  private static let connects = """
    connects() { until ls -l /proc/$1/fd | grep socket > /dev/null; do sleep 0.02; done; sleep 0.3; }
    """

  /// Guests that go on by themselves, and how other commands find them.
  static let street: [Case] = [
    Case(
      "detached-guest-is-found",
      script: """
        \(detach("one", "echo")) && rowhouse list && rowhouse list --json
        rowhouse stop --grace 0 one; rowhouse wait one; echo "status $?"
        rowhouse list; rowhouse remove one; rowhouse list
        """,
      says: [
        "one\n", "NAME", "one   running", "\"name\" : \"one\"", "status 137\n", "one   ended", "killed\n", "NAME",
      ]),
    Case(
      "wait-returns-the-guest's-status",
      script: """
        \(detach("one", "exitcode", "-- code=7")); rowhouse wait one; echo "status $?"; rowhouse remove --all
        """, says: ["one\n", "status 15\n"]),
    Case(
      "wait-has-a-limit",
      script: """
        \(detach("one", "echo")); rowhouse wait one --timeout 0.1; echo "status $?"; rowhouse kill one
        rowhouse wait one; echo "status $?"; rowhouse remove one
        """, says: ["status 124\n", "status 137\n"]),
    Case(
      "guest-powers-off-by-its-button",
      script: """
        \(detach("one", "button")); rowhouse expect one waiting; rowhouse stop one --grace 50; rowhouse list
        rowhouse wait one; echo "status $?"; rowhouse logs one
        \(detach("one", "button")) 2> said; rm said; rowhouse expect one waiting; rowhouse pause one
        rowhouse stop one --grace 50; rowhouse wait one; echo "status $?"; rowhouse remove one
        """,
      says: [
        "waiting\n", "one   ended", "poweroff\n", "status 0\n", "waiting for the power button\n",
        "the power button was pressed\n", "status 0\n",
      ], warningLines: 0
    ) { $0.expectNo("killed") },
    // More than may come and ask at once: who waits for the end is in nobody's way.
    Case(
      "many-wait-and-the-guest-is-stopped",
      script: """
        \(detach("one", "button")); rowhouse expect one waiting
        vmm=$(rowhouse show one | sed -n 's/^process: *//p'); sockets() { ls -l /proc/$vmm/fd | grep -c socket; }
        before=$(sockets)
        for turn in 0 1 2 3 4 5 6; do for waiting in 0 1 2 3 4 5 6 7 8 9; do
          rowhouse wait one & done; done
        until [ $(sockets) -ge $((before + 70)) ]; do sleep 0.02; done
        rowhouse pause one; echo "status $?"; rowhouse stop one --grace 50; wait; rowhouse list; rowhouse remove one
        """, says: ["waiting\n", "status 0\n", "one   ended", "poweroff\n"], warningLines: 0),
    // The name is another guest's before the first one's time is over.
    Case(
      "stop-means-who-had-the-name",
      script: """
        \(connects)
        \(detach("one", "echo")); \(detach("two", "echo")); rowhouse stop one two --remove --grace 3 & stop=$!
        connects $stop
        rowhouse kill two; \(detach("two", "echo")) 2> said; rm said; wait $stop; echo "status $?"; rowhouse list
        rowhouse stop --all --remove --grace 0
        """, says: ["one\n", "two\n", "two\n", "status 0\n", "NAME", "two   running"], warningLines: 0
    ) { $0.expectNo("one   ") },
    // The one that stands still would take ten seconds to be given up; the other's button is not pressed after that.
    Case(
      "stopped-VMM-keeps-no-other-from-its-button",
      script: """
        \(detach("one", "echo")); \(detach("two", "button")); rowhouse expect two waiting
        vmm=$(rowhouse show one | sed -n 's/^process: *//p'); kill -STOP $vmm
        rowhouse stop --all --grace 60 & stop=$!; rowhouse wait two --timeout 8; echo "status $?"
        kill -CONT $vmm; rowhouse kill one; wait $stop; echo "status $?"; rowhouse list
        \(detach("one", "echo")) 2> said; rm said; kill -STOP $(rowhouse show one | sed -n 's/^process: *//p')
        rowhouse stop one --grace 0; rowhouse list; rowhouse remove --all
        """,
      says: ["waiting\n", "status 0\n", "status 0\n", "one   ended", "killed", "two   ended", "one   crashed"],
      warns: ["one: its VMM does not end the guest, and is killed"], warningLines: 1),
    Case(
      "pause-all-that-run",
      script: """
        \(detach("one", "echo")); \(detach("two", "echo")); rowhouse kill one; rowhouse pause --all; echo "status $?"
        rowhouse list; rowhouse resume one two; echo "status $?"; rowhouse list; rowhouse stop --all --remove --grace 0
        """,
      says: ["status 0\n", "one   ended", "two   paused", "status 1\n", "two   running"],
      warns: ["one: the guest is not running"], warningLines: 1),
    // A VMM that stands still, as under a debugger. It is not waited for any longer, and loses nothing.
    Case(
      "VMM-does-not-answer",
      script: """
        \(detach("one", "echo")); vmm=$(rowhouse show one | sed -n 's/^process: *//p'); kill -STOP $vmm
        rowhouse pause one; echo "status $?"; rowhouse list; rowhouse wait one --timeout 0.2; echo "status $?"
        kill -CONT $vmm; rowhouse resume one && rowhouse send one here --expect here
        kill -STOP $vmm; rowhouse kill one; rowhouse wait one; echo "status $?"; rowhouse remove one
        """,
      says: ["one\n", "status 1\n", "one   running", "status 124\n", "here\n", "status 137\n"],
      warns: ["one: its VMM does not answer"]),
    Case(
      "name-is-taken",
      script: """
        \(detach("one", "echo")); \(detach("one", "echo")); status=$?
        rowhouse stop --all --remove --grace 0; exit $status
        """,
      status: 2, says: ["one\n"], warns: ["--name one: a guest of that name is running"], warningLines: 1),
    Case(
      "two-want-one-name",
      script: """
        for turn in 1 2 3 4; do ( \(detach("one", "echo")) > out$turn; echo $? > status$turn ) & done; wait
        cat out? status? | sort; rm out? status?; rowhouse stop --all --remove --grace 0
        """, says: ["0\n2\n2\n2\none\n"], warningLines: 3),
    Case(
      "a-killed-VMM-has-crashed",
      script: """
        \(detach("one", "echo"))
        kill -9 $(rowhouse list --json | sed -n 's/.*"process" : \\([0-9]*\\).*/\\1/p')
        until rowhouse list | grep crashed; do sleep 0.02; done
        rowhouse wait one; echo "status $?"
        \(detach("one", "echo")); rowhouse stop --all --remove --grace 0
        """,
      says: ["one   crashed", "status 137\n", "one\n"],
      warns: ["one: its VMM died", "one: the name was that of a guest that had crashed"], warningLines: 2),
    Case(
      "foreground-guest-is-listed",
      script: """
        rowhouse run $GUESTS/echo.elf --name front --quiet > out & await out 'echoing until'
        rowhouse list; rowhouse remove front; rowhouse kill front; wait $!; echo "status $?"; rowhouse list; rm out
        """,
      says: ["front  running", "status 137\n"], warns: ["front: the guest is running; stop it first"],
      warningLines: 1),
    Case(
      "refused-guest-leaves-no-folder",
      script: "rowhouse run --detach --name one $GUESTS/missing.elf; status=$?; rowhouse list; exit $status",
      status: 2, warns: ["missing.elf"], warningLines: 1
    ) { $0.expectNo("one") },
    Case(
      "memory-is-set-by-the-balloon",
      script: """
        \(detach("one", "echo", "--balloon 0M")); rowhouse set one memory=128M || exit
        rowhouse set one memory=512M; rowhouse set one memory=12; rowhouse set one colour=red
        rowhouse stop --all --remove --grace 0
        \(detach("one", "echo")); rowhouse set one memory=128M; rowhouse stop --all --remove --grace 0
        """,
      warns: [
        "memory=512M: the guest has 256M", "memory=12: give a size", "colour=red: no such setting",
        "memory=128M: the guest has no such device",
      ], warningLines: 4),
    Case(
      "paused-guest-uses-no-cpu",
      script: """
        \(detach("one", "spin")); rowhouse expect one spins && rowhouse pause one && rowhouse list
        used() { cut -d ' ' -f 14,15 /proc/$(rowhouse list --json | sed -n 's/.*"process" : \\([0-9]*\\).*/\\1/p')/stat; }
        sleep 0.1; before=$(used); sleep 1; [ "$before" = "$(used)" ] && echo still
        rowhouse pause one; rowhouse resume one; rowhouse resume one; rowhouse list
        sleep 0.5; [ "$before" = "$(used)" ] || echo moves; rowhouse stop --all --remove --grace 0
        """, says: ["spins\n", "one   paused", "still\n", "one   running", "moves\n"], warningLines: 0),
    Case(
      "paused-guest-has-all-its-time",
      script: """
        \(detach("one", "echo", "--timeout 1")); rowhouse pause one; sleep 1.5; rowhouse list; rowhouse resume one
        rowhouse wait one; echo "status $?"; rowhouse remove one
        """, says: ["one   paused", "status 124\n"]),
    Case(
      "paused-guest-is-stopped-and-killed",
      script: """
        \(detach("one", "echo")); rowhouse pause one; rowhouse kill one; rowhouse wait one; echo "status $?"
        \(detach("one", "echo")); rowhouse pause one; rowhouse stop --grace 0 --remove one; rowhouse list
        """, says: ["status 137\n", "NAME"], warns: ["its folder is replaced"], warningLines: 1
    ) { $0.expectNo("running") },
    Case(
      "show-says-all",
      script: """
        \(detach("one", "echo", "--balloon 16M")); rowhouse show one; rowhouse show one --json
        rowhouse stop --all --remove --grace 0
        """,
      says: [
        "name:         one\n", "state:        running\n", "memory:       256M\n", "balloon:", "folder:", "arguments:",
        "--console-log 16M", "\"arguments\"", "\"target_bytes\" : 16777216", "\"guest\"",
        // It has no driver for its balloon that could say anything.
      ], neverSays: ["FAILED:", "guest says", "guest_memory"]),
    // What it was started with stays with what is left of it, and so does the rest that does not end with the process.
    Case(
      "show-says-the-same-of-the-ended-and-the-crashed",
      script: """
        pick() { grep -e '^memory' -e '^CPUs' -e '^folder' -e '^arguments'; }
        for end in "stop --grace 0" crash; do
          \(detach("one", "echo", "--balloon 16M --cpus 2 --console pty")) 2> said; rm said; rowhouse show one > alive
          if [ "$end" != crash ]; then rowhouse $end one; else
            kill -9 $(sed -n 's/^process: *//p' alive); until rowhouse list | grep -q crashed; do sleep 0.02; done
          fi
          rowhouse show one > over; grep '^state' over; grep '^console' over; grep '^balloon' over
          pick < alive > was; pick < over > is; cmp was is && wc -l < is; grep -c -e '--cpus 2.*--balloon 16M' is
          rm alive over was is
        done; rowhouse remove one
        """,
      says: [
        "state:        ended\n", "console:      pty\n", "balloon:", "of 16M\n", "4\n1\n", "state:        crashed\n",
        "console:      pty\n", "of 16M\n", "4\n1\n",
      ], warningLines: 0),
    Case(
      "a-file-is-no-guest",
      script: """
        \(detach("one", "echo")); echo > run/rowhouse/two; rowhouse list | grep -c two
        rowhouse stop --all --remove --grace 0; ls run/rowhouse; rm run/rowhouse/two
        """, says: ["one\n", "0\n", "two\n"], warningLines: 0),
    // One guest listens to its power button, one does not. Both leave their last state, and a line in the ledger.
    Case(
      "folders-are-removed-under-guests",
      script: """
        \(connects)
        \(detach("one", "echo")); \(detach("two", "button")); rowhouse expect two waiting
        rowhouse wait one & waiting=$!; connects $waiting
        rowhouse pause two; rm -r run/rowhouse; rowhouse list
        wait $waiting; echo "status $?"; until rowhouse list | grep 'two .*poweroff'; do sleep 0.1; done
        rowhouse list | grep one; cat run/rowhouse/one/vmm.log; rowhouse wait one; echo "status $?"
        grep -c '"name":"one".*"verdict":"killed"' tmp/.local/state/rowhouse/ledger.jsonl
        grep -c '"name":"two".*"verdict":"poweroff"' tmp/.local/state/rowhouse/ledger.jsonl
        rowhouse remove --all
        """,
      says: [
        "waiting\n", "NAME", "status 137\n", "two   ended", "poweroff", "one   ended", "killed",
        "folder was removed while it ran", "status 137\n", "1\n", "1\n",
      ], warningLines: 0
    ) { $0.expectNo("crashed") },
    // The VMM that starts so slowly is none of ours, and the second one does not even listen.
    Case(
      "interrupted-start-leaves-nothing",
      script: """
        mkdir bin; cp $(command -v rowhouse) bin/; interrupt() {
          printf '#!/bin/sh\\ntrap "" %s\\nwhile :; do sleep 0.1; done\\n' "$1" > bin/rowhouse-vmm
          chmod 700 bin/rowhouse-vmm
          bin/rowhouse run --detach --name one $GUESTS/echo.elf > name & run=$!
          until vmm=$(child_of $run) && [ -n "$vmm" ]; do sleep 0.02; done; sleep 0.2
          kill -$2 $run; wait $run; echo "status $?"; kill -0 $vmm 2> said || echo gone; rm said; cat name
        }
        interrupt USR2 INT; interrupt 'TERM INT' HUP; rowhouse list; rm -r bin name
        """, says: ["status 130\ngone\nstatus 129\ngone\nNAME"], warningLines: 0
    ) { $0.expectNo("one  ") },
    // The whole runtime folder has gone, as when its user logs out: what is left goes where the ledger is.
    Case(
      "runtime-folder-goes-with-its-user",
      script: """
        mkdir -m 700 run/user; XDG_RUNTIME_DIR="$PWD/run/user"; \(detach("one", "button")); rowhouse expect one waiting
        vmm=$(rowhouse show one | sed -n 's/^process: *//p'); rm -r run/user; gone $vmm
        state=tmp/.local/state/rowhouse; ls $state/remains/one; XDG_RUNTIME_DIR="$PWD/run"; rowhouse list
        ls $state; grep -c '"name":"one".*"verdict":"poweroff"' $state/ledger.jsonl
        """, says: ["waiting\n", "meter\nvmm.log\nNAME", "ledger.jsonl\n1\n"], warningLines: 0
    ) { $0.expectNo("remains") },
    // Its name is another guest's by then.
    Case(
      "name-of-a-removed-folder-is-taken",
      script: """
        \(detach("one", "button")); rowhouse expect one waiting
        vmm=$(rowhouse list --json | sed -n 's/.*"process" : \\([0-9]*\\).*/\\1/p'); kill -STOP $vmm
        rm -r run/rowhouse/one; \(detach("one", "echo")); kill -CONT $vmm
        until rowhouse list | grep 'one.1 .*poweroff'; do sleep 0.1; done
        rowhouse list; rowhouse stop --all --remove --grace 0
        """, says: ["waiting\n", "one.1  ended", "one    running"], warningLines: 0),
    // A supervisor has its guest in hand: it goes on, its books are settled, and the folder that is there now is left
    // alone.
    Case(
      "folder-is-removed-under-a-guest-in-the-foreground",
      script: """
        rowhouse run $GUESTS/echo.elf --name front --timeout 60 > out 2> said & await out 'echoing until'
        rm -r run/rowhouse/front; await said "folder was removed"; \(detach("front", "echo"))
        kill -TERM $!; wait $!; echo "status $?"; wc -l < said; rowhouse list
        grep -c '"name":"front".*"verdict":"stopped"' tmp/.local/state/rowhouse/ledger.jsonl
        rowhouse stop --all --remove --grace 0; rm out said
        """, says: ["front\n", "status 0\n", "2\n", "front  running", "1\n"], warningLines: 0),
    Case(refused: "wait-for-nobody", "rowhouse wait nobody", naming: "nobody", "no guest has that name"),
    Case(refused: "stop-nobody", "rowhouse stop", naming: "<names>"),
    Case(
      refused: "detached-on-the-terminal", "rowhouse run --detach $GUESTS/hello.elf --console stdio",
      naming: "--console stdio", "no terminal"),
  ]

  static func detach(_ name: String, _ guest: String, _ more: String = "") -> String {
    let limit = more.contains("--timeout") ? "" : "--timeout 60"
    return "rowhouse run --detach --name \(name) $GUESTS/\(guest).elf --memory 256M \(limit) \(more)"
  }
}
