extension Case {
  /// `pack FILE COMMAND` completes the setup header `image` to a bzImage whose own code only halts, and that holds a
  /// file, compressed by a command as Linux's build does it. `over` cleans up and ends with the status so far; `$kept` is
  /// the folder of unpacked kernels.
  private static let packing = """
    le32() { for shift in 0 8 16 24; do printf "\\\\$(printf %03o $(($1 >> shift & 255)))"; done; }
    patch() { dd of=image bs=1 seek=$1 conv=notrunc 2> /dev/null; }
    pack() {
      $2 < "$1" > tmp/payload
      [ "${2%% *}" = gzip ] || le32 $(wc -c < "$1") >> tmp/payload
      count=$(wc -c < tmp/payload)
      { head -c 4096 /dev/zero | tr '\\0' '\\364'; cat tmp/payload; head -c 16 /dev/zero; } >> image
      le32 $(((4096 + count + 16) / 16)) | patch $((0x1f4))
      le32 4096 | patch $((0x248))
      le32 $count | patch $((0x24c))
    }
    kept=$HOME/.cache/rowhouse/kernels
    over() { status=$?; rm -rf tmp/* tmp/.cache tmp/.local; exit $status; }

    """

  private static let setup = Array(MadeUpKernel.bzImage().prefix(4 * 512))

  private init(
    unpacking name: String, _ script: String, status: Int32 = 0, says: [String] = [], warns: [String] = [],
    warningLines: Int, verdict: String? = nil
  ) {
    self.init(
      name, script: Self.packing + script + "\nover", files: ["image": Self.setup], status: status, says: says,
      warns: warns, warningLines: warningLines, verdict: verdict)
  }

  private init(refusesToUnpack name: String, _ preparation: String, _ reason: String) {
    self.init(
      unpacking: name, "\(preparation)\nrowhouse run image --unpack --boot pvh", status: 2, warns: ["image: \(reason)"],
      warningLines: 1)
    check = { outcome in outcome.expectNoOutput() }
  }

  /// One that is booted as it is.
  private init(unpacksNothing name: String, _ start: String) {
    self.init(
      unpacking: name, start, status: 103, warns: ["halted"], warningLines: 1)
    check = { outcome in outcome.expectNoOutput() }
  }

  /// Kernels that `rowhouse run` takes out of a bzImage, when it is told to and unasked.
  static let unpacking = [
    Case(
      unpacking: "unpacked-unasked", """
        pack $GUESTS/hello.elf 'gzip -9'
        for start in one two; do rowhouse run image --boot pvh --quiet -- $start || over; done
        cmp $kept/*.elf $GUESTS/hello.elf && echo the same
        """, says: ["command line: one", "command line: two", "the same"], warningLines: 0),
    Case(unpacksNothing: "no-unpack", """
      pack $GUESTS/hello.elf 'gzip -9'
      rowhouse run image --no-unpack
      """),
    // Unasked nothing is unpacked that could not be kept, is for another protocol, or cannot be unpacked.
    Case(unpacksNothing: "unpacked-nowhere", """
      pack $GUESTS/hello.elf 'gzip -9'
      : > tmp/file
      XDG_CACHE_HOME=$PWD/tmp/file rowhouse run image || over
      """),
    Case(unpacksNothing: "unpacked-without-a-home", """
      pack $GUESTS/hello.elf 'gzip -9'
      env -u HOME -u XDG_CACHE_HOME rowhouse run image
      """),
    Case(unpacksNothing: "packed-by-bzip2", """
      bzip() { printf BZh9; cat; }
      pack $GUESTS/hello.elf bzip
      rowhouse run image
      """),
    Case(unpacksNothing: "packed-and-damaged", """
      pack $GUESTS/hello.elf 'gzip -9'
      printf abcdefgh | patch 8000
      rowhouse run image
      """),
    Case(unpacksNothing: "packed-for-32-bits", """
      pack $GUESTS/hello.elf 'gzip -9'
      printf '\\0\\0' | patch $((0x236))
      rowhouse run image; status=$?
      [ ! -e $kept ] && (exit $status)
      """),
    Case(unpacksNothing: "packed-by-an-old-linux", """
      pack $GUESTS/hello.elf 'gzip -9'
      printf 4.17 | patch $((0x300))
      rowhouse run image; status=$?
      [ ! -e $kept ] && (exit $status)
      """),
    // Others could put a kernel there.
    Case(unpacksNothing: "unpacked-into-no-folder-of-others", """
      pack $GUESTS/hello.elf 'gzip -9'
      mkdir -p $kept && chmod 777 $kept
      rowhouse run image; status=$?
      [ -z "$(ls -A $kept)" ] && (exit $status)
      """),
    Case(unpacking: "unpacked-for-no-other-protocol", """
      pack $GUESTS/hello.elf 'gzip -9'
      rowhouse run image --boot multiboot
      """, status: 2, warns: ["image: cannot be booted with --boot multiboot"], warningLines: 1),
    Case(
      unpacking: "unpack-for-no-other-protocol", """
        pack $GUESTS/hello.elf 'gzip -9'
        for protocol in flat multiboot; do rowhouse run image --unpack --boot $protocol; echo status $?; done
        [ ! -e $kept ]
        """, says: ["status 2\nstatus 2\n"], warns: [
        "--unpack: --boot flat boots a kernel's file as it is", "--unpack: --boot multiboot boots",
      ], warningLines: 2),
    // Unasked the bzImage itself is booted then.
    Case(
      unpacking: "unpack-what-moves-itself", """
        { cat $GUESTS/hello.elf; echo no list of relocations; } > tmp/kernel
        pack tmp/kernel 'gzip -9'
        rowhouse run image --quiet; echo unasked $?
        rowhouse run image --unpack
        """, status: 2, says: ["unasked 103"],
      warns: ["image: has to unpack itself, as only its own code knows how it is moved: leave out --unpack"],
      warningLines: 1),
    // What the second start boots is what is kept: there the guest says something else.
    Case(
      unpacking: "unpacked-once", """
        pack $GUESTS/hello.elf 'gzip -9'
        rowhouse run image --unpack --boot pvh --quiet -- one || over
        cmp $kept/*.elf $GUESTS/hello.elf && echo the same
        file=$(echo $kept/*.elf)
        mv $file tmp/first; sed 's/Hello from/Hullo from/' tmp/first > $file
        rowhouse run image --unpack --boot pvh --quiet --verdict verdict -- two || over
        grep -o '"kernel" : "image"' verdict
        """,
      says: ["Hello from", "command line: one", "the same", "Hullo from", "command line: two", #""kernel" : "image""#],
      warningLines: 0, verdict: "poweroff"),
    Case(
      unpacking: "unpacked-for-a-detached-guest", """
        pack $GUESTS/hello.elf 'gzip -9'
        rowhouse run image --unpack --boot pvh --detach --name one --console file:tmp/out && rowhouse wait one && cat tmp/out
        rowhouse remove one
        """, says: ["one", "Hello from"], warningLines: 0),
    // The guest starts anew from a file that nobody else can find any more.
    Case(
      unpacking: "unpacked-and-reset", """
        pack $GUESTS/reset.elf 'gzip -9'
        rowhouse run image --unpack --boot pvh --on-reset reset --quiet > tmp/out & supervisor=$!
        until [ -s tmp/out ]; do sleep 0.02; done
        rm -r $kept image
        lines=$(wc -l < tmp/out)
        until [ $(wc -l < tmp/out) -gt $((lines + 2)) ]; do sleep 0.02; done
        kill $supervisor; wait $supervisor && echo it went on
        """, says: ["it went on"], warningLines: 0),
    Case(
      unpacking: "unpacked-each-time", """
        pack $GUESTS/hello.elf 'gzip -9'
        : > tmp/file
        XDG_CACHE_HOME=$PWD/tmp/file rowhouse run image --unpack --boot pvh --quiet
        """, says: ["Hello from"],
      warns: ["image: it cannot be kept unpacked", "tmp/file/rowhouse/kernels: Not a directory"], warningLines: 1),
    Case(
      unpacking: "unpack-leaves-an-elf-file-as-it-is", "rowhouse run $GUESTS/hello.elf --unpack --quiet; ls -A tmp",
      says: ["Hello from"], warningLines: 0),
    // What the VMM has to say of it is said of the file that was named.
    Case(
      unpacking: "unpacked-and-too-large", """
        pack $GUESTS/hello.elf 'gzip -9'
        rowhouse run image --unpack --boot pvh --memory 1M
        """, status: 2, warns: ["image: "], warningLines: 1),
    Case(refusesToUnpack: "unpack-nothing-packed", "head -c 5000 /dev/zero > image", "is neither a bzImage nor an ELF"),
    Case(refusesToUnpack: "unpack-an-old-linux", """
      pack $GUESTS/hello.elf 'gzip -9'
      printf 4.17 | patch $((0x300))
      """, "is Linux 4.17, which only unpacks itself before 4.18: leave out --unpack"),
    Case(refusesToUnpack: "unpack-without-a-payload", "head -c 9000 /dev/zero >> image", "does not tell where"),
    Case(
      refusesToUnpack: "unpack-bzip2", """
        bzip() { printf BZh9; cat; }
        pack $GUESTS/hello.elf bzip
        """, "is compressed by bzip2, which is not unpacked here: leave out --unpack"),
    Case(
      refusesToUnpack: "unpack-damaged", """
        pack $GUESTS/hello.elf 'gzip -9'
        printf abcdefgh | patch 8000
        """, "is broken: its payload does not unpack"),
    Case(
      refusesToUnpack: "unpack-cut-off", """
        pack $GUESTS/hello.elf 'gzip -9'
        head -c 8000 image > tmp/image; cat tmp/image > image
        """, "is truncated"),
  ]
}
