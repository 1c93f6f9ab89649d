import Testing

extension Case {
  /// Shell functions for cases with images, which QEMU's tool has to find right too: `sound IMAGE`, `same BASE IMAGE`.
  /// `whole IMAGE` allows leaks, which is what a killed guest may leave. `refused OPTION…` is for a guest that has to
  /// find its disk at fault.
  static let imageTools = """
    sound() { qemu-img check -q -f qcow2 "$1" || echo "FAILED: qemu-img check: $?"; }
    same() { qemu-img compare -q -f raw -F qcow2 "$@" || echo "FAILED: qemu-img compare: $?"; }
    whole() {
      for check in "rowhouse disk check" "qemu-img check -q -f qcow2"; do
        $check "$1" > said 2>&1
        case $? in 0 | 3) ;; *) echo "FAILED: $check: $(cat said)" ;; esac
      done
      rm said
    }
    guest() { rowhouse run $GUESTS/disk.elf --quiet --timeout 60 "$@"; }
    refused() { guest "$@" > out; echo "status $?"; sed s/FAILED:/guest:/ out; rm out; }
    """

  /// The guest `disk` on every kind of image.
  static let disks: [Case] = [
    disk("disk-raw", "truncate -s 4M kept", "kept,serial=street-1", says: ["sectors=8192", "serial=\"street-1\""]),
    disk(
      "disk-qcow2", "rowhouse disk create kept 8M --cluster-size 4K", "kept", says: ["sectors=16384"],
      then: "sound kept"),
    // Without io_uring, as where the host has none.
    disk(
      "disk-one-request-after-the-other", "rowhouse disk create kept 8M --cluster-size 4K", "kept,aio=none",
      says: ["sectors=16384"], then: "sound kept"),
    disk("disk-write-through", "rowhouse disk create kept 8M", "kept,cache=writethrough", then: "sound kept"),
    Case("disk-read-only", script: """
      \(imageTools)
      truncate -s 4M kept; before=$(sha256sum < kept)
      guest --disk kept,readonly && [ "$before" = "$(sha256sum < kept)" ] && echo untouched
      """, says: ["read-only: a write was refused", "untouched"]),
    // What one run writes to its overlay, the next one finds; the base stays as it was.
    Case("disk-overlay", script: """
      \(imageTools)
      mkdir kept; head -c 4M /dev/urandom > kept/base; before=$(sha256sum < kept/base)
      guest --disk kept/base,overlay=kept/over && guest --disk kept/base,overlay=kept/over -- verify || exit
      rowhouse disk info kept/over && sound kept/over
      # The same writes to a copy of the base.
      cp kept/base kept/raw && guest --disk kept/raw && same kept/raw kept/over
      [ "$before" = "$(sha256sum < kept/base)" ] && echo untouched
      """, says: ["the disk passed", "read back: 64", #"stands on   "base""#, "untouched"], warningLines: 0),
    Case("disk-thrown-away-overlay", script: """
      \(imageTools)
      head -c 4M /dev/urandom > kept; before=$(sha256sum < kept)
      guest --disk kept,overlay || exit
      guest --disk kept,overlay -- verify; echo "status $?"
      rowhouse-vmm --kernel $GUESTS/disk.elf --disk kept,overlay --cmdline journal=1024 > out & vmm=$!
      await out safe=; kill -9 $vmm; wait $vmm 2> /dev/null; rm out
      [ "$before" = "$(sha256sum < kept)" ] && echo untouched
      """, says: ["the disk passed", "FAILED: at sector", "status 3", "untouched"], neverSays: []),
    // A guest that resets finds its disk as it left it.
    Case("disk-thrown-away-overlay-after-a-reset", script: """
      \(imageTools)
      truncate -s 4M kept
      rowhouse run $GUESTS/disk.elf --timeout 60 --quiet --on-reset reset --disk kept,overlay -- twice
      [ -z "$(tr -d '\\0' < kept | head -c 1)" ] && echo untouched
      """, says: ["the disk passed", "read back: 64", "untouched"]),
    // The machine that ended has let go of its images, each of which only one may write.
    Case("disk-after-a-reset", script: """
      \(imageTools)
      twice() { rowhouse run $GUESTS/disk.elf --timeout 60 --quiet --on-reset reset --disk "$1" -- twice || exit; }
      mkdir kept; truncate -s 4M kept/base kept/raw kept/plain; rowhouse disk create kept/image 4M
      twice kept/raw; twice kept/plain,aio=none; twice kept/image; twice kept/base,overlay=kept/over
      same kept/raw kept/image && same kept/raw kept/over && sound kept/image
      """, says: ["read back: 64", "read back: 64", "read back: 64", "read back: 64", "the disk passed"]),
    // Nothing is taken for right where the tool is missing.
    Case("disk-without-qemus-tool", script: """
      \(imageTools)
      mkdir kept; for tool in rowhouse cat rm; do ln -s "$(command -v $tool)" kept/; done
      rowhouse disk create kept/image 1M || exit
      PATH=$PWD/kept
      sound kept/image; same kept/image kept/image; whole kept/image
      """, says: ["FAILED: qemu-img check", "FAILED: qemu-img compare", "FAILED: qemu-img check"], neverSays: []),
    // On a file system that has no direct I/O it is refused and not silently something else.
    Case("disk-direct", script: """
      \(imageTools)
      rowhouse disk create kept 8M
      guest --disk kept,direct 2> said || grep -q 'direct I/O: its file system' said &&
      guest --disk kept,cache=writeback
      sound kept; rm said
      """, says: ["the disk passed"]),
    // A host that cannot keep what the guest writes: the guest hears of it, a person too, and the image stays whole.
    Case("disk-that-may-not-grow", script: """
      \(imageTools)
      rowhouse disk create kept 64M && (ulimit -f 2048; refused --disk kept)
      whole kept && guest --disk kept
      """, says: ["status 3", "guest: a transfer", "has status 1", "the disk passed"],
      warns: ["disk0: kept: ", "File too large"]),
    Case("disk-on-a-full-disk", script: """
      [ -n "$own" ] || own=yes exec unshare -r -m sh ./script
      \(imageTools)
      mount -t tmpfs -o size=200k none run && rowhouse disk create run/image 64M && refused --disk run/image
      whole run/image; umount run
      """, says: ["status 3", "guest: a transfer", "has status 1"],
      warns: ["disk0: run/image: ", "No space left on device"]),
    Case("disk-shared-base", script: """
      \(imageTools)
      mkdir kept; truncate -s 4M kept/base; before=$(sha256sum < kept/base)
      guest --disk kept/base,overlay=kept/1 -- journal=1024 > kept/out1 & one=$!
      guest --disk kept/base,overlay=kept/2 -- journal=1024 seed=2 > kept/out2 & two=$!
      await kept/out1 safe=; await kept/out2 safe=
      guest --disk kept/base 2> said; echo "third: status $?"; cat said; rm said
      guest --disk kept/base,overlay=kept/2 2> said; echo "fourth: status $?"; cat said; rm said
      wait $one && wait $two || exit
      guest --disk kept/base,overlay=kept/1 -- journaled=1024 &&
      guest --disk kept/base,overlay=kept/2 -- journaled=1024 seed=2 || exit
      sound kept/1; sound kept/2
      [ "$before" = "$(sha256sum < kept/base)" ] && echo untouched
      """, says: [
        "third: status 2", "kept/base: is in use by another process and cannot be written", "fourth: status 2",
        "kept/2: is in use by another process", "journaled blocks: 1024", "journaled blocks: 1024", "untouched",
      ]),
    // The driver's notifications do not leave the kernel (KVM_IOEVENTFD): each would be an exit to the VMM.
    Case("disk-is-notified-within-the-kernel", script: """
      truncate -s 4M disk
      rowhouse run $GUESTS/disk.elf --quiet --disk disk --verdict verdict -- count=1000 bytes=4096 depth=1 read; rm disk
      """, says: ["requests=1000"], verdict: "poweroff") { outcome in
        #expect(outcome.exits("memory_write") < 100, "\(outcome.exits("memory_write")) writes")
    },
    // Twenty moments anywhere in a journal, on two kinds of image: whatever a flush was answered for is there, by our
    // reading and by QEMU's.
    Case("disk-survives-the-death-of-its-vmm", script: """
      \(imageTools)
      head -c 16M /dev/urandom > base
      image() {
        if [ $(($1 % 2)) = 0 ]; then rowhouse disk overlay base image; else rowhouse disk create image 16M --cluster-size 4K; fi
      }
      now() { echo $(($(date +%s%N) / 1000000)); }
      # How many milliseconds it takes to its end.
      image 0; began=$(now); guest --disk image -- journal=1024 depth=4 > out || exit; long=$(($(now) - began)); rm image out
      round=1 early=0
      while [ $round -le 20 ]; do
        image $round
        rowhouse-vmm --kernel $GUESTS/disk.elf --disk image --cmdline "journal=1024 depth=4 seed=$round" > out & vmm=$!
        moment=$(($(od -An -N4 -tu4 /dev/urandom) % long))
        sleep $((moment / 1000)).$(printf %03d $((moment % 1000)))
        kill -9 $vmm; wait $vmm 2> /dev/null; killed=$?
        safe=$(sed -n 's/^safe=\\([0-9]*\\).*/\\1/p' out | tail -n 1); safe=${safe:-0}
        # One that had come to its end was not killed, and does not count; nor does one that had not begun, but for some.
        [ $killed = 137 ] && [ $safe -lt 1024 ] || { rm image out; continue; }
        [ $safe -gt 0 ] || { early=$((early + 1)); [ $early -le 4 ] || { rm image out; continue; }; }
        whole image
        guest --disk image,readonly -- journaled=$safe seed=$round > out || { cat out; exit 1; }
        qemu-img convert -O raw image other &&
        guest --disk other,readonly -- journaled=$safe seed=$round > out || exit
        echo "round $round: $safe blocks were safe"; rm -f image other out
        round=$((round + 1))
      done
      rm base
      """, says: ["round 1: ", "round 20: "], neverSays: ["FAILED:"]),
  ]

  /// The guest's whole test on an image, and again what it wrote, after a new start.
  private static func disk(
    _ name: String, _ make: String, _ disk: String, says: [String] = [], then: String = "true"
  ) -> Case {
    Case(name, script: """
      \(imageTools)
      \(make) && guest --disk \(disk) && guest --disk \(disk) -- verify && \(then)
      """, says: says + ["the disk passed", "read back: 64 blocks"], warningLines: 0)
  }
}
