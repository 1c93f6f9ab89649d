import Testing

extension Case {
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
      "logs-have-all-that-was-said",
      script: """
        \(detach("one", "hello")); rowhouse logs one --follow; rowhouse wait one && rowhouse logs one | wc -l
        rowhouse remove one
        """, says: ["one\n", "Hello from a guest kernel.\n", "usable\n"]),
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
        \(detach("one", "echo")); \(detach("two", "echo")); rowhouse stop one two --remove --grace 3 & stop=$!
        until ls -l /proc/$stop/fd | grep -q socket; do sleep 0.02; done
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
      says: ["status 0\n", "one   ended", "two   paused", "status 2\n", "two   running"],
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
      "console-without-a-terminal",
      script: """
        \(detach("one", "echo")); printf 'some words\\rexit\\r' | rowhouse console one; echo "status $?"
        rowhouse wait one; rowhouse console one; echo "status $?"; rowhouse remove one
        """,
      says: ["one\n", "echoing until", "some words", "exit", "bytes=16", "status 0\n", "status 2\n"],
      warns: ["one: the guest powered off", "one: the guest is not running"], warningLines: 2),
    Case(
      "console-replays-as-much-as-is-wanted",
      script: """
        \(detach("one", "echo")); until rowhouse logs one | grep -q echoing; do sleep 0.02; done
        rowhouse console one --read-only --replay 9 > short & rowhouse console one --read-only --no-replay > none &
        rowhouse console one --read-only --replay 1K > all &
        await all 'echoing until'; await short exit; rowhouse list --json | grep viewers
        until rowhouse list --json | grep -q '"viewers" : 3'; do sleep 0.02; done
        rowhouse list; rowhouse kill one; wait; cat all; echo "short: $(cat short)"; wc -c < none
        rm all short none; rowhouse remove one
        """,
      says: ["VIEWERS", "  3  ", "echoing until", "short: ays exit", "0\n"],
      warns: ["one: the guest was killed"], warningLines: 3),
    Case(
      "console-viewer-that-stops-is-no-burden",
      script: """
        rowhouse run --detach --name one $GUESTS/flood.bin --boot flat --load-address 0x10000 --timeout 150
        rowhouse console one --read-only > out & viewer=$!; await out line; kill -STOP $viewer
        rowhouse wait one; echo "status $?"; rowhouse logs one | wc; kill -CONT $viewer; wait $viewer
        rm out; rowhouse remove one
        """, says: ["one\n", "status 85\n", "9600   28800  153600"]),
    // The kernel keeps some 200 KiB for a viewer, the VMM 256 KiB more. The quota gives the one that reads its time, too.
    Case(
      "console-viewer-that-stops-is-dropped",
      script: """
        rowhouse run --detach --name one $GUESTS/flood-on-key.bin --boot flat --load-address 0x10000 --cpu-quota 50% \\
          --timeout 200
        rowhouse console one --read-only > stopped 2> cut & stopped=$!
        rowhouse console one --read-only > reading 2> told & reading=$!
        until rowhouse list --json | grep -q '"viewers" : 2'; do sleep 0.02; done
        kill -STOP $stopped; rowhouse send one x; rowhouse wait one; echo "status $?"
        wait $reading; echo "status $?"; kill -CONT $stopped; wait $stopped; echo "status $?"
        awk 'BEGIN { for (line = 0; line < 60000; line++) printf "line %05d here\\n", line }' > all
        rowhouse logs one | cmp - all && cmp reading all && echo complete
        bytes=$(wc -c < stopped); [ $bytes -lt 800000 ] && cmp -n $bytes stopped all && echo cut off
        rm stopped reading cut told all; rowhouse remove one
        """, says: ["one\n", "status 85\n", "status 85\n", "status 85\n", "complete\n", "cut off\n"], warningLines: 0),
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
      "send-and-expect",
      script: """
        \(detach("one", "echo")); rowhouse expect one 'echoing (.*) a line'
        rowhouse send one 'a\\x62c\\n' --expect '^a(.)c$'; rowhouse expect one 'never' --timeout 0.2; echo "status $?"
        rowhouse expect one '^abc$' --no-replay --timeout 0.2; echo "status $?"
        rowhouse send one exit --enter --expect 'bytes=([0-9]+)'; rowhouse wait one; echo "status $?"
        rowhouse expect one 'adler32'; rowhouse expect one 'nothing like it'; echo "status $?"; rowhouse remove one
        """,
      says: ["until\n", "b\n", "status 124\n", "status 124\n", "9\n", "status 0\n", "adler32\n", "status 124\n"],
      warningLines: 3),
    // A match that may go on counts when nothing comes, and when the guest has ended.
    Case(
      "expect-takes-what-is-last",
      script: """
        \(detach("one", "echo")); rowhouse expect one echoing; rowhouse send one num=77
        rowhouse expect one 'num=([0-9]+)'; rowhouse stop --grace 0 one; rowhouse expect one 'num=([0-9]+)'
        rowhouse remove one
        """, says: ["echoing\n", "77\n77\n"], warningLines: 0),
    // The search itself would take hours.
    Case(
      "expect-keeps-its-time",
      script: """
        \(detach("one", "echo")); rowhouse send one "$(printf '%040d' 0) " --expect '(0+) '
        rowhouse expect one '(0+)+b' --timeout 1; echo "status $?"
        rowhouse send one x --expect '(x+)+' --timeout 50; rowhouse stop --grace 0 one
        rowhouse expect one '(0+)+b' --timeout 1; echo "status $?"; rowhouse remove one
        """,
      says: [String(repeating: "0", count: 40) + "\n", "status 124\n", "x\n", "status 124\n"],
      warns: ["one: it did not come"], warningLines: 2),
    Case(
      "send-to-a-guest-that-does-not-read",
      script: """
        \(detach("one", "spin")); rowhouse send one $(printf '%0200d' 0) --timeout 0.3; echo "status $?"
        rowhouse stop --all --remove --grace 0
        """, says: ["status 124\n"], warns: ["one: the guest has not taken the text"], warningLines: 1),
    Case(
      "console-log-is-kept-in-two-files",
      script: """
        rowhouse run --detach --name one $GUESTS/flood.bin --boot flat --load-address 0x10000 --console-log 64K
        rowhouse logs one --follow > out; rowhouse wait one; echo "status $?"; rowhouse logs one | wc -c
        wc -c < run/rowhouse/one/console.log.1; rowhouse logs one | tail -n 1; tail -n 1 out; rm out; rowhouse remove one
        """, says: ["one\n", "status 85\n", "88064\n", "65536\n", "line 09599 here\n", "line 09599 here\n"]),
    Case(
      "console-log-that-may-not-grow",
      script: """
        (ulimit -f 128; rowhouse run --detach --name one $GUESTS/flood.bin --boot flat --load-address 0x10000)
        rowhouse wait one; echo "status $?"; rowhouse logs one | wc -c; cat run/rowhouse/one/vmm.log; rowhouse remove one
        """,
      says: ["one\n", "status 85\n", "65536\n", "console.log: File too large: what the guest says is not kept\n"]),
    // A disk of its own, which is full for a while. The guest goes on meanwhile, and then its log does.
    Case(
      "console-log-on-a-full-disk",
      script: """
        [ -n "$own" ] || own=yes exec unshare -r -m sh ./script
        mount -t tmpfs -o size=64k none run || exit
        \(detach("one", "echo")); until rowhouse logs one | grep -q echoing; do sleep 0.02; done
        dd if=/dev/zero of=run/filler bs=4k 2> said; rm said
        rowhouse send one "$(printf '%09000d' 0) still here" --expect 'still (here)'
        rowhouse meter one --json | sed -n 's/.*"dropped_bytes" : [1-9][0-9]*,/lost/p'
        rm run/filler; sleep 1.1; rowhouse send one ' back again' --expect 'back (again)'
        rowhouse stop --grace 0 one; rowhouse logs one | grep -c 'still here'; rowhouse logs one | grep -c 'back again'
        grep -o 'console.log goes on' run/rowhouse/one/vmm.log; rowhouse remove one
        """, says: ["one\n", "here\n", "lost\n", "again\n", "0\n", "1\n", "console.log goes on\n"]),
    // No new file can be made, so the full one cannot be put aside for it; and then, with one again, there is no room in
    // it. Each is said once, however often the disk is asked meanwhile.
    Case(
      "console-log-that-cannot-begin-a-new-file",
      script: """
        [ -n "$own" ] || own=yes exec unshare -r -m sh ./script
        mount -t tmpfs -o size=1m,nr_inodes=64 none run || exit
        \(detach("one", "echo", "--console-log 16K")); rowhouse expect one echoing
        number=0; while ( : > run/filler$number ) 2> said; do number=$((number + 1)); done; rm said
        fill() { rowhouse send one "$(printf '%020000d' 0) $1" --expect "$1"; }
        fill first; sleep 1.1; fill second; ls run/rowhouse/one/console.log* | wc -l
        rm run/filler*; sleep 1.1; rowhouse send one ' third ' --expect third; rowhouse logs one | grep -c third
        dd if=/dev/zero of=run/filler bs=4k 2> said; rm said; fill fourth; sleep 1.1; fill fifth
        rm run/filler; sleep 1.1; fill sixth; rowhouse logs one | grep -c sixth
        cat run/rowhouse/one/vmm.log; rowhouse stop --grace 0 --remove one
        """,
      says: [
        "one\n", "second\n", "1\n", "third\n", "1\n", "sixth\n", "1\n",
        "console.log: No space left on device: what the guest says is not kept\n", "console.log goes on; ",
        "console.log: No space left on device: what the guest says is not kept\n", "console.log goes on; ",
      ], warningLines: 0
    ) { outcome in
      #expect(outcome.outputText.split(separator: "\n").filter { $0.contains("console.log") }.count == 4)
    },
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
    Case(
      "console-port-is-taken",
      script: """
        \(detach("one", "echo", "--console tcp:127.0.0.1:0")) 2> said; sed 's/:[0-9]*$/:PORT/' said
        place=$(rowhouse show one | sed -n 's/^console: *//p'); grep -c "the console is $place" said
        rowhouse show one --json | grep -c "\\"console\\" : \\"$place\\""
        \(detach("two", "echo")) --console $place; status=$?; rowhouse list | grep -c two
        rowhouse stop --all --remove --grace 0; rm said; exit $status
        """,
      status: 2, says: ["one\n", "rowhouse: the console is tcp:127.0.0.1:PORT\n", "1\n", "1\n", "0\n"],
      warns: ["--console: tcp:127.0.0.1:", "Address already in use; give another port"], warningLines: 1),
    // One guest listens to its power button, one does not. Both leave their last state, and a line in the ledger.
    Case(
      "folders-are-removed-under-guests",
      script: """
        \(detach("one", "echo")); \(detach("two", "button")); rowhouse expect two waiting
        rowhouse wait one & waiting=$!; until ls -l /proc/$waiting/fd | grep -q socket; do sleep 0.02; done
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
    Case(refused: "name-that-is-none", "rowhouse run $GUESTS/hello.elf --name ../up", naming: "--name ../up"),
    Case(refused: "wait-for-nobody", "rowhouse wait nobody", naming: "nobody", "no guest has that name"),
    Case(refused: "console-of-nobody", "rowhouse console nobody", naming: "nobody", "no guest has that name"),
    Case(
      refused: "console-both-ways", "rowhouse console nobody --write --read-only", naming: "--write", "--read-only"),
    Case(
      refused: "console-with-both-replays", "rowhouse console nobody --replay 1K --no-replay", naming: "--replay"),
    Case(refused: "expect-no-regex", "rowhouse expect nobody '('", naming: "(", "no regular expression"),
    Case(refused: "send-no-escape", "rowhouse send nobody '\\q'", naming: "\\q", "no escape"),
    Case(
      refused: "console-log-too-small", "rowhouse run --detach $GUESTS/hello.elf --console-log 1K",
      naming: "--console-log 1K"),
    Case(refused: "console-with-no-size", "rowhouse console nobody --replay much", naming: "--replay much"),
    Case(refused: "stop-nobody", "rowhouse stop", naming: "<names>"),
    Case(
      refused: "detached-on-the-terminal", "rowhouse run --detach $GUESTS/hello.elf --console stdio",
      naming: "--console stdio", "no terminal"),
  ]

  private static func detach(_ name: String, _ guest: String, _ more: String = "") -> String {
    let limit = more.contains("--timeout") ? "" : "--timeout 60"
    return "rowhouse run --detach --name \(name) $GUESTS/\(guest).elf --memory 256M \(limit) \(more)"
  }
}
