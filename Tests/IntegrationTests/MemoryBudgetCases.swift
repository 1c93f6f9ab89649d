import Testing

extension Case {
  /// `megabytes` prints how much guests may be promised: the host's memory, or the least that the shell's own control
  /// group, or one above it, lets it have.
  private static let budget = """
    megabytes() {
      least=$(($(awk '/MemTotal/ { print $2 }' /proc/meminfo) * 1024))
      mount=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
      group=$(sed -n 's/^0:://p' /proc/self/cgroup)
      while [ -n "$mount" ]; do
        most=$(cat "$mount$group/memory.max" 2> /dev/null || echo max)
        [ "$most" = max ] || [ "$most" -gt "$least" ] || least=$most
        case $group in */*) group=${group%/*} ;; *) break ;; esac
      done
      echo $((least >> 20))
    }
    """

  /// What guests are promised together.
  static let memoryBudgets: [Case] = [
    Case(
      "memory-beyond-the-budget",
      script: """
        \(budget)
        half=$(($(megabytes) / 2 + 8))M
        rowhouse run --detach --name one $GUESTS/echo.elf --timeout 60 --memory $half
        rowhouse run --detach --name two $GUESTS/echo.elf --timeout 60 --memory $half; status=$?
        rowhouse run --detach --name two $GUESTS/echo.elf --timeout 60 --memory $half --overcommit 1.5
        # Those that are no more have given theirs back, though their folders stay.
        rowhouse kill one; rowhouse kill two
        rowhouse run --detach --name three $GUESTS/echo.elf --timeout 60 --memory $half
        mkdir -p tmp/.config/rowhouse; echo 0.1 > tmp/.config/rowhouse/overcommit
        rowhouse run $GUESTS/hello.elf --memory $half
        rowhouse stop --all --remove --grace 0; exit $status
        """,
      status: 2, says: ["one\ntwo\nthree\n"],
      warns: ["for the guests that run + ", "are more than the ", "budget of ", "overcommit; give less"],
      warningLines: 2),
    // Where guests have no folders, as others might write to them, there is none to stop.
    Case(
      "memory-beyond-the-budget-without-a-folder",
      script: """
        \(budget)
        mkdir -p run/rowhouse; chmod 777 run/rowhouse
        rowhouse run $GUESTS/hello.elf --quiet > said && rowhouse run $GUESTS/hello.elf --memory $(($(megabytes) + 8))M
        status=$?; rm said; exit $status
        """,
      status: 2, warns: ["are more than the ", "budget of ", "; give less, or raise it with --overcommit"],
      warningLines: 1),
    Case(
      "memory-budget-is-one-for-all-who-start-at-once",
      script: """
        \(budget)
        half=$(($(megabytes) / 2 + 8))M
        for turn in 1 2 3 4 5; do
          for name in a b c d; do
            rowhouse run --detach --name $name $GUESTS/echo.elf --timeout 60 --memory $half > out$name 2> err$name &
          done
          wait; echo "started $(cat out? | grep -c '^.$')"; echo "refused $(grep -l 'are more than' err? | grep -c err)"
          rowhouse stop --all --remove --grace 0
        done
        rm out? err?
        """,
      says: [String](repeating: "started 1\nrefused 3\n", count: 5),
      neverSays: ["started 2", "started 3", "started 4"]),
    Case(
      "overcommit-that-cannot-be-read",
      script: "mkdir -p tmp/.config/rowhouse/overcommit; rowhouse run $GUESTS/hello.elf; s=$?; rm -r tmp/.config; exit $s",
      status: 2, warns: ["overcommit: the factor that guests' memory is promised by cannot be read: Is a directory"],
      warningLines: 1),
    Case(refused: "overcommit-by-nothing", "rowhouse run $GUESTS/hello.elf --overcommit 0", naming: "--overcommit 0"),
  ]
}
