extension Case {
  private static let versions = ["6.1", "6.12"]
  private static let cpuCounts = [1, 2, 4]

  /// As bzImage that unpacks itself, and as the ELF kernel in it.
  private static func images(_ version: String) -> [String] { ["vmlinuz-\(version)", "vmlinux-\(version).elf"] }

  /// What Debian runs in user space. Of its kernel's log, with levels, the lines that `Tests/Lab/dmesg-diff` looks at:
  /// all of it would be 20,000 writes to the serial port, which take a minute in an emulated machine. The brackets are
  /// there because the kernel logs this very line.
  private static let order = "echo CPUs: $(nproc); uname -r; dmesg -r | grep -i"
    + " -e ^.[0-4] -e [b]ug: -e [w]arning -e [e]rror -e [t]race -e version"

  private static func says(_ version: String, _ cpus: Int) -> [String] {
    ["CPUs: \(cpus)", "\(version).", "Linux version \(version).", "run: exit status 0"]
  }

  /// To user space and off, as both kinds of image, with one and more CPUs, and no complaint that QEMU's guest has not.
  static let linuxBoots = versions.flatMap { version in
    images(version).flatMap { image in
      cpuCounts.map { cpus in
        Case(
          linux: "boot-\(image)-\(cpus)-cpus", image, "--no-unpack --cpus \(cpus)", words: "'run=\"\(order)\"'",
          says: says(version, cpus) + ["reboot: Power down"], verdict: "poweroff"
        ) { $0.expectNoNewComplaint(beside: underQEMU(version, cpus)) }
      }
    }
  }

  /// Unpacked by the first start and found by the second, as a file that would be another if it had been made anew. It
  /// is what guests/linux takes out of the bzImage by other means. Linux itself says where it is: in memory or in its own
  /// mapping elsewhere each time, as one of both may be the same by chance, and where it was linked to for who wants that.
  static let linuxUnpacking = versions.map { version in
    Case(
      onHardware: "unpacked-\(version)",
      script: """
        unset XDG_CACHE_HOME
        place="echo 0 > /proc/sys/kernel/kptr_restrict; grep -w _text /proc/kallsyms; grep Kernel.code /proc/iomem"
        set -- 1 2 4
        for start in first second nokaslr; do
          rowhouse run $LINUX/vmlinuz-\(version) --initrd $LINUX/initramfs-\(version).cpio.gz --timeout 100 --cpus $1 \
            --verdict verdict -- console=ttyS0 quiet panic=-1 $start "run=\\"uname -r; nproc; $place\\"" > tmp/out || exit
          cat tmp/out
          grep -e _text -e Kernel.code tmp/out > tmp/place-$start
          ls -i $HOME/.cache/rowhouse/kernels/*.elf > tmp/$start; shift
        done
        cmp tmp/first tmp/second && cmp tmp/first tmp/nokaslr && echo found again
        cmp -s tmp/place-first tmp/place-second || echo elsewhere
        cat tmp/place-nokaslr
        cmp $HOME/.cache/rowhouse/kernels/*.elf $LINUX/vmlinux-\(version).elf && echo the same
        rm -r tmp/* tmp/.cache
        """,
      says: ["1", "2", "4"].flatMap { ["\(version).", "\n\($0)", "run: exit status 0"] } + [
        "found again", "elsewhere", "ffffffff81000000 T _text", "01000000-0", "the same",
      ],
      verdict: "poweroff")
  }

  /// The same kernels under QEMU, once for each number of CPUs: what file a kernel came in it does not know.
  static let linuxReferences = versions.flatMap { version in cpuCounts.map { underQEMU(version, $0) } }

  /// QEMU's machine without PCI is the one to compare with: the kernel says of both that they have none.
  private static func underQEMU(_ version: String, _ cpus: Int) -> Case {
    Case(
      onHardware: "qemu-\(version)-\(cpus)-cpus", script: "\(debian)qemu \(version) '\(order)' -smp \(cpus)",
      says: says(version, cpus))
  }

  /// A reset starts the guest anew, as often as it asks.
  static let linuxReboots = versions.flatMap { version in
    images(version).map { image in
      Case(
        onHardware: "comes-up-twice-\(image)",
        script: """
          rowhouse run $LINUX/\(image) --initrd $LINUX/initramfs-\(version).cpio.gz --cpus 2 --on-reset reset \\
            --verdict verdict --timeout 100 -- console=ttyS0 quiet panic=-1 after=reboot 'run="uname -r; nproc"' > out &
          until [ "$(grep -c '^run: exit status 0' out)" -ge 2 ]; do sleep 0.1; done
          kill $!; wait $!; status=$?
          cat out; rm out
          exit $status
          """,
        says: ["\(version).", "2\r\n", "Restarting system", "\(version).", "2\r\n", "run: exit status 0"],
        verdict: "stopped")
    }
  }
}
