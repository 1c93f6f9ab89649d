extension Case {
  /// `rowhouse disk`: images made, looked at and refused; QEMU's tool has to agree.
  static let diskCommands: [Case] = [
    Case("disk-create-qcow2", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/d 3M && rowhouse disk info kept/d && rowhouse disk check kept/d && sound kept/d
      """, says: ["format", "qcow2 version 3", "disk", "3M", "clusters", "64K", "kept/d: sound; clusters with data: 0"],
      warningLines: 0),
    Case("disk-create-with-a-cluster-size", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/d 1G --cluster-size 4K && rowhouse disk info kept/d --json && sound kept/d
      """, says: [#""cluster_bytes" : 4096"#, #""disk_bytes" : 1073741824"#, #""format" : "qcow2""#],
      warningLines: 0),
    // A raw image is all zeros, of the size that was asked for.
    Case("disk-create-raw", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/d 5M --format raw && wc -c < kept/d && tr -d '\\0' < kept/d | wc -c &&
      rowhouse disk info kept/d && rowhouse disk info kept/d --json
      """, says: ["5242880\n", "0\n", "format      raw\n", "disk        5M\n", #""disk_bytes" : 5242880"#],
      warningLines: 0
    ) { $0.expectNo("clusters") },
    // The name of the base is right from the overlay's folder, through a link too, and when both move.
    Case("disk-overlay-finds-its-base", script: """
      \(imageTools)
      mkdir kept
      mkdir -p kept/bases kept/real/deep && ln -s real/deep kept/link
      dd if=/dev/urandom of=kept/bases/base bs=64k count=3 2>/dev/null
      before=$(sha256sum < kept/bases/base)
      rowhouse disk overlay kept/bases/base kept/link/over && rowhouse disk info kept/link/over &&
      rowhouse disk check kept/link/over && sound kept/link/over && same kept/bases/base kept/real/deep/over || exit
      mkdir kept/new && mv kept/bases kept/real kept/new/ || exit
      rowhouse disk overlay kept/new/real/deep/over kept/second && rowhouse disk info kept/second --json &&
      same kept/new/bases/base kept/second || exit
      [ "$before" = "$(sha256sum < kept/new/bases/base)" ] && echo untouched
      """, says: [
        "disk        192K\n", #"stands on   "../../bases/base""#, #"base is     "raw""#, "sound",
        #""backing" : "new/real/deep/over""#, #""backing_format" : "qcow2""#, "untouched",
      ], warningLines: 0),
    Case("disk-overlay-of-a-named-format", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/base 1M && rowhouse disk overlay kept/base kept/over --base-format raw &&
      rowhouse disk info kept/over
      """, says: [#"base is     "raw""#], warningLines: 0),
    // A count of 1 for a cluster behind all that is used: one more than the image has.
    Case("disk-check-finds-a-leak", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/d 1M || exit
      truncate -s 320K kept/d && \(poke(at: 131_080, #"\000\001"#))
      rowhouse disk check kept/d; echo "status $?"; rowhouse disk check kept/d --json
      """, status: 3, says: ["kept/d: no errors; leaked clusters: 1", "status 3", #""leaked_clusters" : 1"#],
      warningLines: 0),
    // The first L1 entry points into the header.
    Case("disk-check-finds-an-error", script: """
      \(imageTools)
      mkdir kept
      rowhouse disk create kept/d 1M || exit
      \(poke(at: 196_608, #"\200\000\000\000\000\000\002\000"#))
      before=$(sha256sum < kept/d)
      rowhouse disk check kept/d; echo "status $?"; rowhouse disk check kept/d --json; status=$?
      [ "$before" = "$(sha256sum < kept/d)" ] && exit $status
      """, status: 4, says: ["kept/d: errors: 1", "status 4", #""error_count" : 1"#], warningLines: 0),

    refusal("disk-create-over-a-file", "create kept 1M", naming: "kept", "is there already"),
    refusal("disk-create-in-no-folder", "create no/such/d 1M", naming: "no/such/d", "No such file"),
    refusal("disk-create-without-unit", "create tmp/d 1000", naming: "size 1000"),
    refusal("disk-create-of-nothing", "create tmp/d 0M", naming: "size 0M"),
    refusal("disk-create-too-large", "create tmp/d 9000000T", naming: "tmp/d", "cannot be made"),
    refusal("disk-create-too-large-raw", "create tmp/d 9000000T --format raw", naming: "tmp/d", "cannot be made"),
    refusal("disk-create-odd-clusters", "create tmp/d 1M --cluster-size 3K", naming: "tmp/d", "3072"),
    refusal("disk-create-unknown-format", "create tmp/d 1M --format vmdk", naming: "vmdk"),
    refusal("disk-overlay-over-a-file", "overlay kept kept", naming: "kept", "is there already"),
    refusal("disk-overlay-of-nothing", "overlay missing tmp/d", naming: "missing", "No such file"),
    refusal("disk-overlay-in-no-folder", "overlay kept no/such/d", naming: "no/such/d", "No such file"),
    refusal("disk-overlay-of-odd-size", "overlay odd tmp/d", naming: "odd", "no multiple of 512"),
    refusal(
      "disk-overlay-of-what-is-not-qcow2", "overlay kept tmp/d --base-format qcow2", naming: "kept", "no qcow2 image"),
    refusal("disk-info-of-a-folder", "info tmp", naming: "tmp"),
    refusal("disk-info-of-a-broken-header", "info broken", naming: "broken"),
    refusal("disk-check-of-raw", "check kept", naming: "kept", "no qcow2 image"),
    refusal("disk-check-of-nothing", "check missing", naming: "missing", "No such file"),
    refusal("disk-unknown-command", "resize kept", naming: "disk resize"),
  ]

  private static func poke(at offset: Int, _ bytes: String) -> String {
    "printf '\(bytes)' | dd of=kept/d bs=1 seek=\(offset) conv=notrunc 2>/dev/null"
  }

  /// Refused in one line, with the files that were there unchanged, and none made.
  private static func refusal(_ name: String, _ words: String, naming: String, _ reason: String = "") -> Case {
    Case(
      refused: name, """
        rowhouse disk \(words); status=$?
        [ -z "$(ls tmp)" ] || echo "FAILED: something is left"
        cmp -s kept copy || echo "FAILED: the file has changed"
        exit $status
        """,
      files: [
        "kept": Array(repeating: 7, count: 1024), "copy": Array(repeating: 7, count: 1024),
        "odd": Array(repeating: 7, count: 1000), "broken": Array("QFI\u{fb}".unicodeScalars.map { UInt8($0.value) }),
      ], naming: naming, reason)
  }
}
