import Foundation
import Testing

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
      boot $LINUX/root.ext4,overlay=ours "$write" && boot_qemu ours "$verify" || exit
      qemu-img create -q -f qcow2 -b $LINUX/root.ext4 -F raw theirs
      boot_qemu theirs "$write" && boot theirs "$verify" || exit
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
    // A block device of the host's: the guest finds all that is on it, and what it discards goes back to whoever has
    // the blocks.
    Case(
      onHardware: "linux-has-a-block-device",
      script: """
        \(debian)
        blocks=$(mktemp -p /dev/shm); trap 'rm $blocks' EXIT
        dd if=/dev/urandom of=$blocks bs=1M count=8 2> /dev/null
        device=$(losetup -f) && losetup $device $blocks || {
          echo 'FAILED: no loop device; that takes root and a kernel that has them'; exit 1; }
        before=$(du -k $blocks | cut -f 1); sum=$(sha256sum < $blocks)
        debian 'cat /sys/block/vda/size; sha256sum < /dev/vda; blkdiscard -o 1048576 -l 4194304 /dev/vda; sync' \\
          --disk $device > said
        losetup -d $device; cat said; grep -q "$sum" said && echo all is there; rm said
        [ $((before - $(du -k $blocks | cut -f 1))) = 4096 ] && echo four MiB are given back
        dd if=$blocks bs=1M skip=1 count=4 2> /dev/null | tr -d '\\0' | wc -c
        """, says: ["16384", "run: exit status 0", "all is there", "four MiB are given back", "0\n"]),
  ]

  /// A Linux that was told to do without ACPI, and so learns of its CPUs by the MP table and of its devices by
  /// parameters. Debian's kernels take neither; the small one does.
  static let smallLinux = [
    Case(
      onHardware: "linux-finds-its-cpus-without-acpi",
      script: """
        rowhouse run $LINUX/vmlinux-small.elf --initrd $LINUX/initramfs-6.1.cpio.gz --cpus 2 --timeout 100 \\
          --verdict verdict -- console=ttyS0 panic=-1 acpi=off after=reboot run=nproc
        """, says: ["Intel MultiProcessor Specification v1.4", "Brought up 1 node, 2 CPUs", "2\r\n"], verdict: "reset"),
    // Each device is there once, either way.
    Case(
      onHardware: "linux-finds-its-disk-without-acpi",
      script: """
        truncate -s 4M disk
        for words in quiet acpi=off; do
          rowhouse run $LINUX/vmlinux-small.elf --initrd $LINUX/initramfs-6.1.cpio.gz --quiet --timeout 100 \\
            --disk disk --entropy --cmdline "console=ttyS0 quiet panic=-1 $words after=reboot \
        run=\\"tr ' ' '\\\\n' < /proc/cmdline | grep ^virtio_mmio[.]; ls -1 /sys/bus/virtio/devices; cat /sys/block/*/size\\""
          echo "$words: status $?"
        done
        rm disk
        """, says: ["8192", "quiet: status 0", "8192", "acpi=off: status 0"]
    ) { outcome in
      let parts = outcome.outputText.components(separatedBy: "quiet: status")
      for (text, parameters) in zip(parts, [0, 2]) {
        let lines = text.split(whereSeparator: \.isNewline)
        #expect(lines.filter { $0.hasPrefix("virtio_mmio.device=") }.count == parameters, "\(text)")
        #expect(lines.filter { $0.contains("virtio") && !$0.contains("=") } == ["virtio0", "virtio1"], "\(text)")
      }
    }
  ]

  private static func linux(_ name: String, script: String, says: [String]) -> Case {
    var test = Case(name, script: tools + script, says: says)
    test.bootsLinux = true
    return test
  }

  /// `boot DISK COMMAND` runs a command under us, `boot_qemu IMAGE COMMAND` under QEMU, from the root file system on a
  /// disk.
  private static let tools = """
    \(debian)
    words='root_disk=/dev/vda'
    boot() { debian "$2" --disk "$1"; }
    boot_qemu() { qemu 6.12 "$2" -drive if=none,id=disk,file=$1,format=qcow2 -device virtio-blk-device,drive=disk; }
    clean() { $LINUX/e2fsck -fn "$1" > /dev/null 2>&1; echo "e2fsck: $?"; }
    write='cd /kept; for n in 1 2 3; do head -c 900000 /dev/urandom > $n; done; sha256sum * > /sums && echo written'
    verify='cd /kept; sha256sum -c /sums && echo verified'

    """
}
