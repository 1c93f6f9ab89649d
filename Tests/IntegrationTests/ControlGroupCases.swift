import Testing

extension Case {
  /// A guest whose quota the host's cgroup v2 keeps. Root's: a hierarchy is mounted for it. It is one of the stock
  /// kernels' cases because the lab has a cpu controller on every host.
  static let controlGroups: [Case] = {
    var test = Case(
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
        rowhouse meter one
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
        "2000 10000\n50\n", "within 10 and 30", "cgroup  ", " by the host\n",
        "6000 10000\n200\n", "within 40 and 80", "6000 10000\n200\n",
        "5000 100000\n200\nmax 100000\n200\n5000 100000\n200\n", "status 137",
      ], warns: ["cpu-quota=5%: the guest cannot have this value"], warningLines: 1
    ) { outcome in
      guard let throttled = outcome.figures["throttled"], throttled.count == 3 else {
        Issue.record("\(outcome.outputText)")
        return
      }
      // Of three seconds it was kept from running for four fifths.
      #expect(throttled[0] > 1_000_000_000, "\(outcome.outputText)")
      #expect(throttled[0] <= throttled[1] && throttled[1] <= throttled[2], "\(outcome.outputText)")
    }
    test.bootsLinux = true
    return [test]
  }()
}
