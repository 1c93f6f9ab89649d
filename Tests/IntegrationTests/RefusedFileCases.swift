import Foundation

extension Case {
  /// Files that are missing, of the wrong kind, unreadable, or too large, wherever a file can be named.
  static let refusedFiles: [Case] =
    [
      ("kernel", "rowhouse run FILE"), ("initrd", "rowhouse run $GUESTS/hello.elf --initrd FILE"),
      ("module", "rowhouse run $GUESTS/hello.elf --module 'FILE text'"),
    ].flatMap { kind, pattern in
      func command(_ file: String) -> String { pattern.replacingOccurrences(of: "FILE", with: file) }
      return refused(kind, command)
    } + [
      Case(
        refused: "flat-larger-than-memory",
        with("truncate -s 300M tmp/large", "rowhouse run tmp/large --boot flat --load-address 0x1000"),
        naming: "tmp/large", "memory"),
      Case(
        refused: "console-file-cannot-be-made", "rowhouse run $GUESTS/hello.elf --console file:no/such/folder",
        naming: "no/such/folder"),
      Case(
        refused: "console-file-is-a-folder", "rowhouse run $GUESTS/hello.elf --console file:tmp",
        naming: "tmp"),
      Case(
        refused: "verdict-file-cannot-be-made", "rowhouse run $GUESTS/hello.elf --verdict no/such/folder",
        naming: "no/such/folder"),
      Case(refused: "verdict-file-is-a-folder", "rowhouse run $GUESTS/hello.elf --verdict tmp", naming: "tmp"),
      // The verdict file of an earlier run is not taken for this one's.
      Case("no-verdict-of-a-refused-run", script: """
        rowhouse run no-such-file --verdict kept 2>/dev/null; status=$?
        [ -e kept ] && cat kept
        exit $status
        """, status: 2) { $0.expectNoOutput() },
    ]

  /// What can be wrong with a file of this kind.
  private static func refused(_ kind: String, _ command: (String) -> String) -> [Case] {
    [
      Case(refused: "\(kind)-missing", command("no-such-file"), naming: "no-such-file", "No such file"),
      Case(refused: "\(kind)-below-a-file", command("file/x"), files: ["file": [0]], naming: "file/x"),
      Case(refused: "\(kind)-empty", command("empty"), files: ["empty": []], naming: "empty", "is empty"),
      Case(refused: "\(kind)-a-folder", command("tmp"), naming: "tmp", "directory"),
      Case(refused: "\(kind)-a-device", command("/dev/null"), naming: "/dev/null"),
      // Opening a pipe without a writer would wait for ever.
      Case(refused: "\(kind)-a-pipe", with("mkfifo tmp/pipe", command("tmp/pipe")), naming: "tmp/pipe"),
      Case(refused: "\(kind)-a-loop", with("ln -s loop tmp/loop", command("tmp/loop")), naming: "tmp/loop"),
      // Root may read everything, so root gives that right up, where there is a program for it.
      Case(
        refused: "\(kind)-unreadable",
        """
        chmod 0 secret
        if [ "$(id -u)" != 0 ]; then give_up=
        elif setpriv --bounding-set -all true 2>/dev/null; then give_up="setpriv --bounding-set -all"
        else rm secret; mknod secret c 250 250; give_up=
        fi
        $give_up \(command("secret"))
        """, files: ["secret": [1, 2, 3]], naming: "secret"),
      // Sparse: they take no room on the disk.
      Case(
        refused: "\(kind)-oversized", with("truncate -s 1024G tmp/large", command("tmp/large")), naming: "tmp/large"),
      Case(
        refused: "\(kind)-larger-than-memory", with("truncate -s 300M tmp/large", command("tmp/large")),
        naming: "tmp/large"),
    ]
  }

  /// A command with something prepared in `tmp`, which is cleaned up after it.
  static func with(_ preparation: String, _ command: String) -> String {
    "\(preparation); \(command); status=$?; rm tmp/*; exit $status"
  }
}
