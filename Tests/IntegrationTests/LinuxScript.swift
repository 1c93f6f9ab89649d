extension Case {
  /// Shell functions for cases that boot Debian more than once, or beside something else.
  ///
  /// `debian ORDER OPTION…` has Debian's 6.12 run a command in user space and power off. `qemu VERSION ORDER OPTION…`
  /// has QEMU do the same, with a second try, which it tells. `$words` are more of the kernel's command line.
  ///
  /// QEMU's machine goes without the PIT, the 8259s and the calendar clock, which Linux can do without there: with them
  /// a guest was seen to wait for ever for its timer.
  static let debian = """
    debian() {
      order=$1; shift
      rowhouse run $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz --quiet --timeout 250 "$@" \\
        --cmdline "console=ttyS0 quiet panic=-1 $words run=\\"$order\\""
    }
    qemu() {
      version=$1; order=$2; shift 2
      for try in first second; do
        timeout -s KILL 140 qemu-system-x86_64 -accel kvm -M microvm,rtc=off,pit=off,pic=off -cpu host -m 256 \\
          -nodefaults -no-user-config -display none -no-reboot -serial stdio -kernel $LINUX/vmlinuz-$version \\
          -initrd $LINUX/initramfs-$version.cpio.gz "$@" \\
          -append "console=ttyS0 quiet panic=-1 $words run=\\"$order\\"" < /dev/null && return
        echo "=== the $try QEMU with Debian's $version did not come to its end: $* ===" >&2
      done
      return 1
    }

    """
}
