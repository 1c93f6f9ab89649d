import Testing

extension Case {
  /// What the host's cgroup v2 keeps. Root's: a hierarchy is mounted for them. They are among the stock kernels' cases
  /// because the lab has cpu and memory controllers on every host.
  static let controlGroups: [Case] = [aQuota, aStreet].map { test in
    var test = test
    test.bootsLinux = true
    return test
  }

  /// What a shell's own control group lets it have is what `host` and `top` divide, and what starts are refused by.
  private static let aStreet = Case(
    "control-group-limits-the-street",
    script: """
      mkdir cgroup && mount -t cgroup2 none cgroup && echo +cpu +memory > cgroup/cgroup.subtree_control || exit
      group=cgroup/rowhouse-$$; mkdir $group; echo 512M > $group/memory.max; echo 5000 10000 > $group/cpu.max
      echo $$ > $group/cgroup.procs
      rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 --cpu-quota 20% --memory 384M
      rowhouse run $GUESTS/hello.elf --memory 256M; echo "status $?"
      rowhouse host; rowhouse host --json | grep budget; rowhouse top --once | head -n 1
      mkdir -p tmp/.config/rowhouse; echo 2 > tmp/.config/rowhouse/overcommit; rowhouse host
      echo none > tmp/.config/rowhouse/overcommit; rowhouse host
      rowhouse kill one; rowhouse remove one
      echo $$ > cgroup/cgroup.procs; rmdir $group; umount cgroup; rmdir cgroup
      """,
    says: [
      "status 2\n", "1 guest on 50% of ", "/cpu.max) and 512 MiB of memory (by ", "/memory.max)\ncpu\n",
      "20% of 50%\n", " of 20%", "384 MiB of 512 MiB\n", "  budget within ", "\"memory_budget_bytes\" : 536870912",
      " of 50%  memory ", " of 512 MiB  by cpu\n", "384 MiB of 1.00 GiB\n", "  budget by ", "overcommit within ",
    ],
    warns: ["are more than the budget of 512 MiB within ", "overcommit: give a factor"], warningLines: 2)

  /// A guest whose quota the host keeps.
  private static let aQuota = Case(
    "control-group-keeps-the-quota",
    script: """
      \(meters)
      mkdir cgroup && mount -t cgroup2 none cgroup && echo +cpu > cgroup/cgroup.subtree_control || exit
      group=cgroup/rowhouse-$$; mkdir $group
      allotted() { cat $group/cpu.max $group/cpu.weight; }
      used() { awk '/^usage_usec/ { print $2 }' $group/cpu.stat; }
      throttled() { echo $(($(awk '/^throttled_usec/ { print $2 }' $group/cpu.stat) * 1000)); }
      share() { # the CPU time of three seconds, in per cent, between $1 and $2
        time=$(used); start=$(milliseconds); sleep 3
        share=$((($(used) - time) / 10 / ($(milliseconds) - start)))
        echo "share $share"; [ $share -ge $1 ] && [ $share -le $2 ] && echo "within $1 and $2"
      }
      rowhouse run --detach --name one $GUESTS/burn.elf --timeout 60 --cpu-quota 20% --cpu-weight 50 \\
        --cgroup $PWD/$group || exit
      allotted; share 10 30
      echo "throttled $(throttled) $(figure one host_throttled_nanoseconds) $(throttled)"
      rowhouse meter one; rowhouse host | grep -o 'a one .* of 20%   .'
      rowhouse set one cpu-quota=60% cpu-weight=200; allotted; share 40 80
      rowhouse set one cpu-quota=5%; allotted # half a millisecond in ten: cpu.max has one at least
      rowhouse set one cpu-quota=5% cpu-period=100ms; allotted
      rowhouse set one cpu-quota=none; allotted
      rowhouse set one cpu-burst=4ms cpu-period=100ms cpu-quota=5%; allotted
      rowhouse set one cpu-quota=none # all of the VMM has 5 %, also to end
      rowhouse kill one; rowhouse wait one; echo "status $?"
      rowhouse remove one; rmdir $group; umount cgroup; rmdir cgroup
      """,
    says: [
      "2000 10000\n50\n", "within 10 and 30", "cgroup  ", " by the host\n", "a one ", " of 20%   #\n",
      "6000 10000\n200\n", "within 40 and 80", "6000 10000\n200\n",
      "5000 100000\n200\nmax 100000\n200\n5000 100000\n200\n", "status 137",
    ], warns: ["cpu-quota=5%: the host's kernel does not take it for the guest's control group"], warningLines: 1
  ) { outcome in
    guard let throttled = outcome.figures["throttled"], throttled.count == 3 else {
      Issue.record("\(outcome.outputText)")
      return
    }
    // Of three seconds it was kept from running for four fifths.
    #expect(throttled[0] > 1_000_000_000, "\(outcome.outputText)")
    #expect(throttled[0] <= throttled[1] && throttled[1] <= throttled[2], "\(outcome.outputText)")
  }
}
