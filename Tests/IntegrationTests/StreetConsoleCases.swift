import Testing

extension Case {
  /// What is said to guests that go on by themselves, what they say, and where that is kept.
  static let streetConsoles: [Case] = [
    // Its reader does not read: nobody waits for that one.
    Case(
      "kill-past-a-reader-that-does-not-read",
      script: """
        mkfifo pipe; sleep 60 < pipe & sleeper=$!
        rowhouse run --name one $GUESTS/flood.bin --boot flat --load-address 0x10000 --timeout 150 > pipe 2> said &
        until rowhouse list | grep -q running; do sleep 0.02; done; sleep 1
        rowhouse kill one 2> told && [ ! -s told ] && echo 'killed in time'
        wait $!; echo "status $?"; kill $sleeper; rm pipe said told
        """, says: ["killed in time", "status 137"]),
    Case(
      "logs-have-all-that-was-said",
      script: """
        \(detach("one", "hello")); rowhouse logs one --follow; rowhouse wait one && rowhouse logs one | wc -l
        rowhouse remove one
        """, says: ["one\n", "Hello from a guest kernel.\n", "usable\n"]),
    Case(
      "console-without-a-terminal",
      script: """
        \(detach("one", "echo")); printf 'some words\\rexit\\r' | rowhouse console one; echo "status $?"
        rowhouse wait one; rowhouse console one; echo "status $?"; rowhouse remove one
        """,
      says: [
        "one\n", "echoing until", "some words", "exit", "bytes=16", "status 0\n", "echoing until", "some words",
        "bytes=16", "status 0\n",
      ], warns: ["one: the guest powered off"], warningLines: 2),
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
        \(flood(lines: 60_000))
        rowhouse logs one | cmp - all && cmp reading all && echo complete
        bytes=$(wc -c < stopped); [ $bytes -lt 800000 ] && cmp -n $bytes stopped all && echo cut off
        rm stopped reading cut told all; rowhouse remove one
        """, says: ["one\n", "status 85\n", "status 85\n", "status 85\n", "complete\n", "cut off\n"], warningLines: 0),
    // Each comes while the guest speaks, so what it is shown again has to go on without a seam, to the last byte.
    Case(
      "console-viewers-come-in-the-middle",
      script: """
        rowhouse run --detach --name one $GUESTS/flood-on-key.bin --boot flat --load-address 0x10000 --cpu-quota 50% \\
          --timeout 200
        rowhouse send one x
        for said in 100000 300000 500000 700000; do
          until [ $(wc -c < run/rowhouse/one/console.log) -ge $said ]; do :; done
          rowhouse console one --read-only > view$said 2> told$said & done
        rowhouse wait one; echo "status $?"; wait; \(flood(lines: 60_000))
        for view in view*; do
          bytes=$(wc -c < $view); [ $bytes -gt 65536 ] && [ $bytes -lt 960000 ] && echo in the middle
          tail -c $bytes all | cmp - $view && echo suffix; done
        rm view* told* all; rowhouse remove one
        """, says: ["status 85\n"] + Array(repeating: "in the middle\nsuffix\n", count: 4), warningLines: 0),
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
    // Somebody has left a console open: it types first, and then nothing.
    Case(
      "send-past-a-console-that-is-left-open",
      script: """
        \(detach("one", "echo")); mkfifo keys; rowhouse console one < keys > out 2> told & console=$!
        exec 3> keys
        await out 'exit$'; printf a >&3; rowhouse expect one 'exit\\na'; rowhouse send one b; echo "status $?"
        sleep 10; rowhouse send one c --expect c; echo "status $?"; printf d >&3; rowhouse expect one 'acd'
        rowhouse send one e --write --expect e; await told 'any more'; cat told; printf f >&3; rowhouse expect one acdef
        rowhouse stop --grace 0 one; wait $console; exec 3>&-; rm keys out told; rowhouse remove one
        """,
      says: [
        "status 2\nc\nstatus 0\nacd\ne\nrowhouse: another has taken over\n",
        "rowhouse: nobody writes here any more\nacdef\n",
      ], warns: ["one: another has typed on the console less than 10 seconds ago; --write takes over"], warningLines: 1),
    // It is a script's, so it must not look as if the guest had got it.
    Case(
      "console-without-a-terminal-while-another-writes",
      script: """
        \(detach("one", "echo")); mkfifo keys; rowhouse console one < keys > out & console=$!; exec 3> keys
        await out 'exit$'; printf here >&3; rowhouse expect one here
        printf 'date\\r' | rowhouse console one --no-replay; echo "status $?"
        rowhouse console one --no-replay < /dev/null 2> watched & watcher=$!
        until rowhouse list --json | grep -q '"viewers" : 2'; do sleep 0.02; done
        rowhouse logs one | grep -c date; rowhouse stop --grace 0 one
        wait $watcher; echo "status $?"; cat watched; exec 3>&-; wait $console; rm keys out watched; rowhouse remove one
        """,
      says: ["one\nhere\nstatus 2\n0\nstatus 137\n", "rowhouse: one: the guest was killed\n"],
      warns: ["one: another has typed on the console less than 10 seconds ago; --write takes over"], warningLines: 2),
    // A thousand pieces, and a small stack for them.
    Case(
      "console-types-a-long-file",
      script: """
        \(detach("one", "spin")); head -c 1000000 /dev/zero | tr '\\0' x > text
        (ulimit -s 512; exec rowhouse console one --no-replay < text 2> told) & console=$!
        until rowhouse list --json | grep -q '"viewers" : 1'; do sleep 0.02; done; sleep 1
        rowhouse stop --grace 0 one; wait $console; echo "status $?"; rm text told; rowhouse remove one
        """, says: ["one\n", "status 137\n"], warningLines: 0),
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
        rowhouse logs one --follow > out; rowhouse wait one; echo "status $?"; rowhouse logs one > kept; wc -c < kept
        wc -c < run/rowhouse/one/console.log.1; \(flood(lines: 9600)); cmp out all && echo followed
        tail -c 88064 all | cmp - kept && echo kept; rm out kept all; rowhouse remove one
        """, says: ["one\n", "status 85\n", "88064\n", "65536\n", "followed\n", "kept\n"], warningLines: 0),
    // It has the first file open, which is put away and then removed. What it says of that stands where something is
    // missing.
    Case(
      "log-that-is-followed-too-slowly",
      script: """
        rowhouse run --detach --name one $GUESTS/flood-on-key.bin --boot flat --load-address 0x10000 --console-log 64K \\
          --timeout 200
        rowhouse logs one --follow > out 2>&1 & follower=$!
        until ls -l /proc/$follower/fd | grep console.log > /dev/null; do sleep 0.02; done; kill -STOP $follower
        rowhouse send one x; rowhouse wait one; echo "status $?"; kill -CONT $follower; wait $follower; echo "status $?"
        \(flood(lines: 60_000)); rowhouse logs one > kept; head -c 65536 all > first
        head -c 65536 out | cmp - first && echo first; tail -c +65537 out > rest; head -n 1 rest
        tail -n +2 rest | cmp - kept && tail -c $(wc -c < kept) all | cmp - kept && echo last; rm out all first rest kept
        rowhouse remove one
        """,
      says: [
        "status 85\nstatus 0\nfirst\nrowhouse: one: its log went on without this reader; some of what the guest said may be missing here\nlast\n"
      ], warningLines: 0),
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
        fill first; sleep 2; fill second; ls run/rowhouse/one/console.log* | wc -l
        rm run/filler*; sleep 2; rowhouse send one ' third ' --expect third; rowhouse logs one | grep -c third
        dd if=/dev/zero of=run/filler bs=4k 2> said; rm said; fill fourth; sleep 2; fill fifth
        rm run/filler; sleep 2; fill sixth; rowhouse logs one | grep -c sixth
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
  ]

  /// Writes into the file `all` what a flooding guest says.
  private static func flood(lines: Int) -> String {
    "awk 'BEGIN { for (line = 0; line < \(lines); line++) printf \"line %05d here\\n\", line }' > all"
  }
}
