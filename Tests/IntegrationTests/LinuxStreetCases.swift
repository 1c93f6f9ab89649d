import Testing

extension Case {
  /// Linux guests that go on by themselves: switched off by their button, and paused.
  static let linuxStreet = [
    // The button is opened before the guest says that it listens: what is pressed before nobody hears.
    Case(
      onHardware: "linux-powers-off-by-its-button",
      script: """
        \(debian)
        debian 'modprobe -a button evdev; exec 3< /dev/input/event0; echo listening; \
        dd bs=24 count=1 <&3 > /dev/null; echo pressed' --detach --name one || exit
        rowhouse expect one '^listening' --timeout 150; rowhouse stop one --grace 100; rowhouse list
        rowhouse logs one | grep -e pressed -e exit; rowhouse wait one; echo "status $?"; rowhouse remove one
        """,
      says: [
        "one\n", "listening\n", "one   ended", "poweroff\n", "pressed\r\n", "run: exit status 0\r\n", "status 0\n",
      ]
    ) { $0.expectNo("killed") },
    // By kvmclock, which Linux prefers, a pause is no time; by the time stamp counter, which goes on, it is what it
    // was.
    paused("linux-does-not-notice-a-pause", clock: "kvm-clock", passes: 0..<25),
    paused("linux-sees-a-pause-by-its-tsc", clock: "tsc", words: "clocksource=tsc tsc=reliable", passes: 30..<55),
  ]

  /// Longer than Linux's watchdogs wait: 20 s for a CPU that does nothing else, 21 s for RCU. That a timer's interrupt
  /// took long it says on a busy host as well, but not that it took ten seconds.
  ///
  /// - Parameters:
  ///   - clock: the clock source that Linux takes.
  ///   - passes: the seconds of its time from before the pause to after it, which takes 30 of the host's.
  private static func paused(_ name: String, clock: String, words: String = "", passes: Range<Int>) -> Case {
    Case(
      onHardware: name,
      script: """
        \(meters)
        \(debian)
        words='\(words)'
        debian 'now() { echo at $(cut -d. -f1 /proc/uptime) $(date +%s) ok; }; rest() { sleep 5; echo rested; }; \
        work() { while :; do :; done & echo at work; }; forget() { dmesg -c > /dev/null; echo forgotten; }; \
        complaints() { dmesg | grep -i -E -e unstable -e stall -e lockup -e hrtimer.*[0-9]{11} -e hung -e skew \
        -e backwards; \
        echo complaints=$?; }; echo by $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource) clock; \
        echo ready; while read order; do $order; done' --detach --name one --cpus 2 || exit
        rowhouse expect one '^ready' --timeout 150; rowhouse expect one 'by \(clock) clock'
        now() { rowhouse send one now --enter --expect 'at ([0-9]+ [0-9]+) ok'; }
        vcpus() { json one | grep -o '"run_nanoseconds":[0-9]*' | tr '\\n' ' '; }
        rowhouse send one work --enter --expect 'at work'; rowhouse send one forget --enter --expect '^forgotten'
        before=$(now); rowhouse pause one; used=$(vcpus); sleep 30; [ "$used" = "$(vcpus)" ] && echo still; echo $used
        rowhouse resume one; after=$(now); echo "$before, $after"; set -- $before $after; passed=$(($3 - $1))
        [ $passed -ge \(passes.lowerBound) ] && [ $passed -lt \(passes.upperBound) ] && echo 'so much time has passed'
        apart=$(($4 - $2 - passed)); [ $apart -ge -1 ] && [ $apart -le 1 ] && echo its clocks agree
        rowhouse send one rest --enter --expect '^rested'; [ "$used" != "$(vcpus)" ] && echo moves
        rowhouse send one complaints --enter --expect 'complaints=([0-9])'
        rowhouse stop one --grace 0 --remove
        """,
      says: [
        "one\n", "ready\n", "by \(clock) clock\n", "at work\n", "forgotten\n", "still\n",
        "so much time has passed\n", "its clocks agree\n", "rested\n", "moves\n", "1\n",
      ])
  }
}
