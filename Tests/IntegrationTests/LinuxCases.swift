import Testing

extension Case {
  /// Every case that boots a stock kernel.
  static let linuxTable =
    linuxReferences + linuxBoots + linuxUnpacking + linuxReboots + linuxEnds + linuxDevices + linuxMemory + linuxDisks + smallLinux
    + linuxNetworks + linuxConsole + linuxStreet + controlGroups + otherKernels

  /// `rowhouse run` of a Debian kernel with its initramfs.
  ///
  /// - Parameters:
  ///   - image: `vmlinuz-V` or `vmlinux-V.elf`.
  ///   - words: added to the command line, in shell words: `run=…` says what the guest does in user space.
  init(
    linux name: String, _ image: String = "vmlinuz-6.1", _ options: String = "", words: String, status: Int32 = 0,
    says: [String] = [], verdict: String, check: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    let version = image.contains("6.12") ? "6.12" : "6.1"
    self.init(
      name,
      script: """
        rowhouse run $LINUX/\(image) --initrd $LINUX/initramfs-\(version).cpio.gz --verdict verdict --timeout 100 \\
          \(options) -- console=ttyS0 quiet panic=-1 \(words)
        """, status: status, says: says, verdict: verdict, check: check)
    bootsLinux = true
  }

  /// A script that needs a KVM on hardware, or the lab's.
  init(
    onHardware name: String, script: String, status: Int32 = 0, says: [String] = [], verdict: String? = nil,
    check: @escaping @Sendable (Outcome) -> Void = { _ in }
  ) {
    self.init(name, script: script, status: status, says: says, verdict: verdict, check: check)
    bootsLinux = true
  }

  /// Every way in which Linux ends.
  static let linuxEnds = [
    Case(linux: "linux-reboots", words: "after=reboot run=true", says: ["Restarting system"], verdict: "reset"),
    Case(
      linux: "linux-panics", words: "rdinit=/none", status: 101, says: ["Kernel panic - not syncing"],
      verdict: "panic"),
    Case(
      linux: "linux-panics-and-stays", words: "panic=0 rdinit=/none", status: 101,
      says: ["Kernel panic - not syncing", "---[ end Kernel panic"], verdict: "panic"),
    Case(
      linux: "linux-crashes-on-request", words: "'run=\"echo c > /proc/sysrq-trigger\"'", status: 101,
      says: ["sysrq triggered crash"], verdict: "panic"),
    Case(
      linux: "linux-halts", "vmlinuz-6.12", "--cpus 2", words: "after=halt run=true", status: 103,
      says: ["System halted"],
      verdict: "halted"),
  ]

  static let linuxDevices = [
    Case(
      linux: "linux-names-the-uart", words: "'run=\"dmesg | grep ttyS0\"'", says: ["(irq = 4", "is a 16550A"],
      verdict: "poweroff"),
    // What the driver reads there: it knows a panic, and one that leaves the rest to a crash kernel.
    Case(
      linux: "linux-finds-pvpanic", "vmlinuz-6.12",
      words: "'run=\"modprobe pvpanic-mmio; cat /sys/bus/platform/devices/QEMU0001:00/capability\"'",
      says: ["3\r\n", "run: exit status 0"], verdict: "poweroff"),
    // By kvmclock, and by the clock of the machine that a kernel without it would ask.
    Case(
      linux: "linux-has-the-time",
      words: "\"run=\\\"for now in \\$(date +%s) \\$(cat /sys/class/rtc/rtc0/since_epoch); do "
        + "[ \\$((now - $(date +%s))) -lt 100 -a \\$now -ge $(date +%s) ] && echo time is right; done\\\"\"",
      says: ["time is right\r\ntime is right"], verdict: "poweroff"),
    // Of a kernel that was entered by PVH the loader's type is 176.
    Case(
      linux: "linux-elf-by-its-64-bit-entry", "vmlinux-6.12.elf", "--boot linux --cpus 2",
      words: "'run=\"cat /proc/sys/kernel/bootloader_type; nproc\"'", says: ["255\r\n2\r\n"], verdict: "poweroff"),
    // Debian's kernels do not read MP tables and so see one CPU; they reset by the keyboard controller.
    Case(
      linux: "linux-without-acpi", "vmlinuz-6.12", "--cpus 2", words: "acpi=off after=reboot run=nproc",
      says: ["1\r\n", "Restarting system"], verdict: "reset"),
    Case(
      linux: "linux-has-the-memory", "vmlinuz-6.12", "--memory 5G --overcommit 100",
      words: "'run=\"[ $(awk /MemTotal/{print\\$2} /proc/meminfo) -gt 4900000 ] && echo all there\"'",
      says: ["all there"], verdict: "poweroff"),
    Case(
      linux: "linux-does-not-see-what-is-masked", "vmlinuz-6.1", "--cpu-mask avx2,bmi2",
      words: "'run=\"grep -c -w -e avx2 -e bmi2 /proc/cpuinfo; grep -c -w sse2 /proc/cpuinfo\"'", says: ["0\r\n1\r\n"],
      verdict: "poweroff"),
    Case(
      linux: "linux-has-random-numbers", "vmlinuz-6.12", "--entropy --cpus 2",
      words: "'run=\"cat /sys/class/misc/hw_random/rng_current; head -c 10000 /dev/hwrng | wc -c\"'",
      says: ["virtio_rng.0", "10000"], verdict: "poweroff"),
    Case(
      linux: "linux-has-a-virtio-console", "vmlinuz-6.12", "--console-device virtio",
      words: "console=hvc0 'run=\"tty; cat /sys/class/tty/console/active; printf %0102400d; echo\"'",
      says: ["/dev/hvc0", "ttyS0 hvc0", String(repeating: "0", count: 102_400), "run: exit status 0", "Power down"],
      verdict: "poweroff"),
    // What the default command line brings: the log by the serial port, until the driver is there, which is a module.
    // When it shuts down the kernel takes leave of its virtio devices first, and says no more.
    Case(
      onHardware: "linux-shell-on-a-virtio-console",
      script: """
        printf 'tty\\necho $((6 * 7))\\nexit\\n' | rowhouse run $LINUX/vmlinuz-6.1 \\
          --initrd $LINUX/initramfs-6.1.cpio.gz --console-device virtio --verdict verdict --timeout 100
        """, says: ["Linux version 6.1", "/dev/hvc0", "42"], verdict: "poweroff"),
    // Its text comes by both consoles.
    Case(
      linux: "linux-panics-on-two-consoles", "vmlinuz-6.12", "--console-device virtio",
      words: "console=hvc0 'run=\"echo c > /proc/sysrq-trigger\"'", status: 101,
      says: ["sysrq triggered crash", "sysrq triggered crash"], verdict: "panic"),
    Case(
      onHardware: "linux-keeps-what-it-writes-to-a-disk",
      script: """
        truncate -s 8M disk; dd if=$LINUX/vmlinuz-6.1 of=other bs=64k count=64 2> /dev/null
        rowhouse run $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz --verdict verdict --timeout 100 \\
          --disk disk,serial=street-1 --disk other,readonly,format=raw --cpus 2 -- console=ttyS0 quiet panic=-1 \\
          'run="cat /sys/block/vda/serial /sys/block/vdb/ro; dd if=/dev/vdb of=/dev/vda bs=64k count=64 conv=fsync"'
        status=$?
        cmp -n 4194304 disk other && echo the same
        rm disk other; exit $status
        """, says: ["street-1", "1", "64+0 records out", "the same"], verdict: "poweroff"),
    Case(
      linux: "linux-marks-the-boot-timer", words: "boot_timer run=true", verdict: "poweroff"
    ) { outcome in outcome.expectMarks([123]) },
    Case(
      onHardware: "linux-shell-takes-commands-from-a-pipe",
      script: """
        printf 'echo $((6 * 7))\\ntty\\nexit\\n' | rowhouse run $LINUX/vmlinuz-6.12 \\
          --initrd $LINUX/initramfs-6.12.cpio.gz --verdict verdict --timeout 100 -- console=ttyS0 quiet panic=-1
        """, says: ["/ # echo $((6 * 7))", "42", "/dev/ttyS0", "Power down"], verdict: "poweroff"),
  ]

  /// Kernels that are not Linux and not ours.
  static let otherKernels = [
    Case(
      onHardware: "memtest86+-draws-its-screen",
      script: """
        rowhouse run $LINUX/memtest.bin --verdict verdict --timeout 100 --memory 64M -- console=ttyS0,115200 > out & supervisor=$!
        await out 'Status: Testing'
        kill $supervisor; wait $supervisor; status=$?
        cat out; rm out
        exit $status
        """, says: ["Memtest86+", "64MB", "Status: Testing"], verdict: "stopped"),
    Case(
      onHardware: "xen-misses-its-dom0",
      script: "rowhouse run $LINUX/xen --verdict verdict --timeout 100 -- console=com1 no-real-mode", status: 101,
      says: ["Xen version", "Bootloader: Rowhouse", "dom0 kernel not specified"], verdict: "panic"),
  ]
}
