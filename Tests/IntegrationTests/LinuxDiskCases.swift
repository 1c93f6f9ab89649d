extension Case {
  /// Debian with its root file system on a disk: what one boot writes, the next finds, and the file system is in order.
  static let linuxDisks = [
    linux("linux-root-on-a-raw-disk", script: """
      cp $LINUX/root.ext4 disk
      boot disk "$write" && boot disk "$verify" || exit
      clean disk; rm disk
      """, says: ["written", "verified", "e2fsck: 0"]),
    // QEMU boots from our overlay, and we from QEMU's; the base stays as it was.
    linux("linux-root-on-overlays", script: """
      before=$(sha256sum < $LINUX/root.ext4)
      boot $LINUX/root.ext4,overlay=ours "$write" && qemu ours "$verify" || exit
      qemu-img create -q -f qcow2 -b $LINUX/root.ext4 -F raw theirs
      qemu theirs "$write" && boot theirs "$verify" || exit
      for disk in ours theirs; do
        qemu-img check -q $disk && qemu-img convert -O raw $disk raw && clean raw
      done
      [ "$before" = "$(sha256sum < $LINUX/root.ext4)" ] && echo untouched
      rm ours theirs raw
      """, says: ["written", "verified", "written", "verified", "e2fsck: 0", "e2fsck: 0", "untouched"]),
    // The guest writes the same to both, in pieces of many sizes.
    Case(
      onHardware: "linux-overlay-takes-what-a-raw-disk-takes",
      script: """
        \(debian)
        cp $LINUX/root.ext4 raw
        debian 'for n in $(seq 30); do head -c $((n * 3583)) /dev/urandom > piece; for disk in vda vdb; do \
        dd if=piece of=/dev/$disk bs=512 seek=$((n * 1009)) conv=fsync 2> /dev/null || echo FAILED:; done; done' \\
          --disk raw --disk $LINUX/root.ext4,overlay=ours
        cmp $LINUX/root.ext4 raw | head -n 1
        qemu-img check ours && qemu-img compare -f raw -F qcow2 raw ours
        rm raw ours
        """, says: ["run: exit status 0", "raw differ", "No errors were found", "Images are identical."]),
  ]

  private static func linux(_ name: String, script: String, says: [String]) -> Case {
    var test = Case(name, script: tools + script, says: says)
    test.bootsLinux = true
    return test
  }

  /// `boot DISK COMMAND` runs a command under us, `qemu IMAGE COMMAND` under QEMU, from the root file system on a disk.
  private static let tools = """
    words='console=ttyS0 quiet panic=-1 root_disk=/dev/vda'
    boot() {
      rowhouse run $LINUX/vmlinuz-6.12 --initrd $LINUX/initramfs-6.12.cpio.gz --quiet --timeout 100 --disk "$1" \\
        --cmdline "$words run=\\"$2\\""
    }
    qemu() {
      # Now and then a guest of QEMU's microvm never hears from its timer.
      for try in 1 2; do
        timeout -s KILL 60 qemu-system-x86_64 -accel kvm -M microvm -cpu host -m 256 -nodefaults -no-user-config \\
          -display none -no-reboot -serial stdio -drive if=none,id=disk,file=$1,format=qcow2 \\
          -device virtio-blk-device,drive=disk -kernel $LINUX/vmlinuz-6.12 -initrd $LINUX/initramfs-6.12.cpio.gz \\
          -append "$words run=\\"$2\\"" < /dev/null && break
      done
    }
    clean() { $LINUX/e2fsck -fn "$1" > /dev/null 2>&1; echo "e2fsck: $?"; }
    write='cd /kept; for n in 1 2 3; do head -c 900000 /dev/urandom > $n; done; sha256sum * > /sums && echo written'
    verify='cd /kept; sha256sum -c /sums && echo verified'

    """
}
