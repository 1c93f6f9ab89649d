extension Case {
  /// A driver that breaks every rule: its own device stops or refuses, and nothing else notices.
  static let hostileGuests: [Case] = [
    // On a raw image without io_uring, and on an overlay with it, beside a guest on the same base.
    Case("hostile-driver", script: """
      \(imageTools)
      mkdir kept; head -c 4M /dev/urandom > kept/base; cp kept/base kept/raw; before=$(sha256sum < kept/base)
      guest --disk kept/base,overlay=kept/near -- journal=1024 > kept/out & near=$!
      await kept/out safe=
      rowhouse run $GUESTS/hostile.elf --disk kept/raw,aio=none --quiet --timeout 60 --verdict verdict || exit
      rowhouse run $GUESTS/hostile.elf --disk kept/base,overlay=kept/over --quiet --timeout 60 || exit
      wait $near && guest --disk kept/base,overlay=kept/near -- journaled=1024 || exit
      cmp kept/raw kept/base && sound kept/over && same kept/base kept/over && echo nothing was written
      [ "$before" = "$(sha256sum < kept/base)" ] && echo untouched
      """,
      says: answers + answers + ["journaled blocks: 1024", "nothing was written", "untouched"],
      warns: [
        "disk0: the guest's driver gave it descriptor 4096, which is beyond the table's end; it does nothing until"
      ], verdict: "poweroff"),
    // Hundreds of times, and a reset of the whole machine between: a few lines all the same.
    Case(
      "hostile-driver-does-not-flood-the-log",
      script: """
        mkdir kept; truncate -s 4M kept/raw
        rowhouse run $GUESTS/hostile.elf --disk kept/raw --quiet --timeout 60 -- flood=400 2> said || exit
        lines=$(grep -c 'disk0: ' said); [ "$lines" -ge 1 ] && [ "$lines" -le 8 ] && echo a few lines; rm said
        """, says: ["resets=400", "a few lines"]),
  ]

  /// What has to come of each deed of `guests/hostile`, in its order.
  private static let answers =
    [
      "a head beyond the table: needs a reset",
      "a descriptor that leads beyond the table: needs a reset",
      "a chain that loops: needs a reset",
      "a buffer without a byte: needs a reset",
      "a buffer where there is no memory: needs a reset",
      "a buffer over the end of all addresses: needs a reset",
      "a buffer to read after one to write: needs a reset",
      "an indirect table that was not agreed on: needs a reset",
      "no place for the status: needs a reset",
      "a write from memory that is to be filled: I/O error",
      "half a sector: I/O error",
      "a sector past the end: I/O error",
      "sectors over the end: I/O error",
      "a sector whose place is no number: I/O error",
      "a request of no kind: unsupported",
      "an available index that runs ahead: needs a reset",
      "a queue that moves while it is in use: needs a reset",
      "a queue of three descriptors: needs a reset",
      "a queue where there is no memory: needs a reset",
      "a request to a disk that needs a reset: nothing",
      "a notification of a queue that is not there: nothing",
      "a notification before DRIVER_OK: nothing",
      "a feature that is not offered: refused",
      "the legacy interface: refused",
      "a disk that is made larger: nothing",
      "the disk has survived",
    ].map { $0 + "\n" }
}
