import Foundation
import Testing

extension Case {
  /// Where guests that others find have their folders, what these are called, and who may get at them.
  static let streetFolders: [Case] = [
    Case(
      "a-guest's-folder-is-its-owner's-alone",
      script: """
        (umask 0; \(detach("one", "echo"))); stat -c '%a %F' run/rowhouse run/rowhouse/one
        rowhouse stop --all --remove --grace 0
        """, says: ["one\n700 directory\n700 directory\n"], warningLines: 0),
    Case(
      "name-is-made-up",
      script: """
        start() { rowhouse run --detach $GUESTS/echo.elf --memory 256M --timeout 60; }
        first=$(start); second=$(start); echo "$first" | grep -c '^echo-[a-z0-9][a-z0-9][a-z0-9][a-z0-9]$'
        [ "$first" != "$second" ] && rowhouse list | grep -c -e "^$first  *running" -e "^$second  *running"
        rowhouse stop "$first" "$second" --remove --grace 0; rowhouse list
        """, says: ["1\n2\nNAME"], neverSays: ["echo-"], warningLines: 0),
    // Who may write into it could put a guest of his own in the place of another. A guest that nobody asks for by name
    // is none the worse for it: it has no folder.
    Case(
      "street-that-others-may-write-to",
      script: """
        for mode in 777 770 702; do mkdir run/rowhouse; chmod $mode run/rowhouse
          \(detach("one", "echo")); echo "run $?"; rowhouse list; echo "list $?"; rmdir run/rowhouse; done
        mkdir run/rowhouse; chmod 777 run/rowhouse; rowhouse run $GUESTS/exitcode.elf --quiet -- code=3; echo "alone $?"
        chmod 755 run/rowhouse; rowhouse list; echo "list $?"
        """,
      says: ["run 1\nlist 1\nrun 1\nlist 1\nrun 1\nlist 1\nleaving with debug exit 3\nalone 7\nNAME", "list 0\n"],
      warns: ["/run/rowhouse: it must be a folder of yours that only you may write to; "], warningLines: 6),
    // Root gives a folder away; who is not root takes one of root's, which in a namespace of his own stays another's.
    Case(
      "street-that-is-another's",
      script: """
        try() {
          \(detach("one", "echo")); echo "run $?"; rowhouse list; echo "list $?"; rowhouse kill one; echo "kill $?"
        }
        mkdir -p -m 755 run/rowhouse
        if [ "$(id -u)" = 0 ] && [ -z "$own" ]; then chown 1 run/rowhouse; try
        else
          [ -n "$own" ] || own=yes exec unshare -r -m sh ./script
          mount --bind /usr run/rowhouse; try; umount run/rowhouse
        fi
        rmdir run/rowhouse; ln -s ../tmp run/rowhouse; try; rm run/rowhouse; : > run/rowhouse; try; rm run/rowhouse
        """,
      says: Array(repeating: "run 1\nlist 1\nkill 1\n", count: 3),
      warns: ["/run/rowhouse: it must be a folder of yours that only you may write to; "], warningLines: 9),
    Case(
      "street-without-room",
      script: """
        [ -n "$own" ] || own=yes exec unshare -r -m sh ./script
        mount -t tmpfs -o size=64k,mode=700 none run || exit
        dd if=/dev/zero of=run/filler bs=4k 2> said; rm said
        \(detach("one", "echo")); echo "status $?"; rowhouse run --name two $GUESTS/hello.elf; echo "status $?"
        ls run/rowhouse | wc -l; rm run/filler; \(detach("one", "echo")); rowhouse stop --all --remove --grace 0
        """,
      says: ["status 1\nstatus 1\n0\none\n"], neverSays: ["--meter", "--folder", "FAILED:"],
      warns: ["/run/rowhouse/one: No space left on device", "/run/rowhouse/two: No space left on device"],
      warningLines: 2),
    Case(
      "folder-without-a-guest",
      script: """
        mkdir -p -m 700 run/rowhouse/one; chmod 700 run/rowhouse; rowhouse list; rowhouse show one
        rowhouse show one --json; rowhouse remove one; rowhouse list
        """,
      says: ["one   crashed", "name:         one\n", "state:        crashed\n", "\"arguments\"", "NAME"],
      neverSays: ["console", "FAILED:"], warningLines: 0),
    // What a host that was restarted finds in a runtime folder on a disk: a meter that nobody holds any more, sockets
    // that nobody listens at, and the number of a process that is now another's. That one, here the guest itself, is left
    // alone.
    Case(
      "host-was-restarted",
      script: """
        \(detach("one", "echo")); vmm=$(rowhouse show one | sed -n 's/^process: *//p')
        mkdir -m 700 disk disk/rowhouse; cp -a run/rowhouse/one disk/rowhouse/
        after() { XDG_RUNTIME_DIR="$PWD/disk" XDG_STATE_HOME="$PWD/disk/state" rowhouse "$@"; echo "$1 $?"; }
        after list; after show one | grep -c -e '^process' -e '^state: *crashed'
        for command in kill pause 'stop --grace 0' wait; do after $command one 2>> said; done; cat said; rm said
        kill -0 $vmm && rowhouse list && rowhouse send one here --expect here
        after logs one; after remove one; after list; rowhouse stop --all --remove --grace 0; rm -r disk
        """,
      says: [
        "one   crashed", "list 0\n1\nkill ", "pause 1\n", "wait 137\n", "one   running", "here\n", "echoing until",
        "logs 0\n", "remove 0\nNAME", "list 0\n",
      ], warningLines: 0),
    // Somebody holds the ledger's lock, or its disk is slow: who is behind it waits, and nobody else does.
    Case(
      "slow-ledger-keeps-nobody-from-starting",
      script: """
        books=tmp/.local/state/rowhouse; mkdir -p $books; \(detach("one", "echo")); \(detach("two", "echo"))
        for name in one two; do vmm=$(rowhouse show $name | sed -n 's/^process: *//p'); kill -9 $vmm; gone $vmm; done
        waits() { until ls -l /proc/$1/fd | grep ledger.jsonl > /dev/null; do sleep 0.02; done; }
        exec 9>> $books/ledger.jsonl; flock 9
        rowhouse remove one 9>&- & remove=$!; waits $remove
        \(detach("two", "echo")) 9>&- 2> said & again=$!; waits $again
        sleep 1; \(detach("three", "echo")) 9>&-; echo "status $?"
        exec 9>&-; wait $remove; echo "status $?"; wait $again; echo "status $?"; cat said; rm said
        rowhouse list; rowhouse stop --all --remove --grace 0; grep -c crashed $books/ledger.jsonl
        """,
      says: [
        "one\ntwo\n", "three\nstatus 0\n", "status 0\n", "status 0\n",
        "two: the name was that of a guest that had crashed", "three  running", "two    running", "2\n",
      ], warningLines: 0
    ) { $0.expectNo("one   ") },
    Case(
      "list-is-shown-again",
      script: """
        \(detach("one", "echo")); rowhouse list --watch > out & watch=$!; await out 'one   running'; rowhouse kill one
        await out 'one   ended .*killed'; kill $watch; wait $watch 2> said; rm said; grep -c "$(printf '\\033')" out
        [ $(grep -c '^NAME' out) -ge 2 ] && echo again
        rowhouse list --watch --json > out & watch=$!; until [ "$(grep -c '^}$' out)" -ge 2 ]; do sleep 0.02; done
        kill $watch; wait $watch 2> said; rm said; echo documents; cat out; rm out; rowhouse remove one
        """, says: ["one\n", "0\nagain\ndocuments\n{"], warningLines: 0
    ) { outcome in
      let text = outcome.outputText.components(separatedBy: "documents\n").last ?? ""
      let documents = text.components(separatedBy: "\n}\n").dropLast()
      #expect(documents.count >= 2)
      for document in documents {
        let object = try? JSONSerialization.jsonObject(with: Data((document + "\n}").utf8)) as? [String: Any]
        let guests = object?["guests"] as? [[String: Any]]
        #expect(guests?.map { $0["name"] as? String } == ["one"], "\(document)")
        #expect(guests?.first?["verdict"] as? String == "killed")
      }
    },
    Case(refused: "name-that-leads-elsewhere", named("../up"), naming: "--name ../up", "up to 63 letters"),
    Case(
      refused: "name-of-64-characters", named(String(repeating: "n", count: 64)), naming: "--name nnn",
      "up to 63 letters"),
    Case(refused: "name-beyond-ASCII", named("ä"), naming: "--name ä", "up to 63 letters"),
    Case(refused: "name-that-is-empty", named("''"), naming: "--name", "up to 63 letters"),
    Case(refused: "name-that-is-hidden", named(".x"), naming: "--name .x", "up to 63 letters"),
  ]

  /// Both ways to start a guest would make its folder.
  private static func named(_ name: String) -> String {
    """
    rowhouse run $GUESTS/hello.elf --name \(name) 2> said; rowhouse run --detach $GUESTS/hello.elf --name \(name)
    status=$?; rm said; [ ! -e run/rowhouse ] && exit $status
    """
  }
}
