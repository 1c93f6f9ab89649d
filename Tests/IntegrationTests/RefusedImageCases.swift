extension Case {
  /// Images with headers that no sane tool writes.
  static let refusedImages: [Case] =
    elfFiles.map { name, bytes, reason in
      Case(refused: name, "rowhouse run image", files: ["image": bytes], naming: "image", reason)
    } + bzImages.map { name, bytes, reason in
      Case(refused: name, "rowhouse run image", files: ["image": bytes], naming: "image", reason)
    } + [
      Case(
        refused: "bzimage-command-line-too-long", "rowhouse run image -- $(seq -s x 1000)",
        files: ["image": MadeUpKernel.bzImage()], naming: "--cmdline", "too long"),
      Case(
        refused: "bzimage-initrd-does-not-fit", "rowhouse run image --initrd initrd --memory 32M",
        files: ["image": MadeUpKernel.bzImage(), "initrd": [UInt8](repeating: 1, count: 31 << 20)], naming: "initrd",
        "does not fit"),
      Case(
        refused: "multiboot-truncated",
        with("head -c 5000 $GUESTS/multiboot-kludge.bin > tmp/image", "rowhouse run tmp/image"), naming: "tmp/image"),
      Case(
        refused: "pvh-truncated", with("head -c 10000 $GUESTS/hello.elf > tmp/image", "rowhouse run tmp/image"),
        naming: "tmp/image", "truncated"),
    ]

  private static let elfFiles: [(String, [UInt8], String)] = {
    typealias ELF = MadeUpKernel.ELF
    let megabyte: UInt64 = 1 << 20
    return [
      ("elf-header-truncated", Array(ELF().bytes.prefix(40)), "truncated"),
      ("elf-program-headers-truncated", Array(ELF().bytes.prefix(100)), "truncated"),
      ("elf-for-another-machine", ELF(machine: 183).bytes, "machine 183"),
      ("elf-big-endian", ELF(dataEncoding: 2).bytes, "little-endian"),
      ("elf-object-file", ELF(type: 1).bytes, "type 1"),
      ("elf-unknown-class", ELF(fileClass: 7).bytes, "class 7"),
      ("elf-without-segments", ELF(segments: []).bytes, ""),
      ("elf-segment-beyond-the-file", ELF(segments: [.init(fileBytes: 1 << 40, memoryBytes: 1 << 41)]).bytes, ""),
      (
        "elf-segment-offset-wraps",
        ELF(segments: [.init(offset: .max - 10, fileBytes: 100, memoryBytes: 100)]).bytes, "truncated"
      ),
      ("elf-segment-larger-in-file", ELF(segments: [.init(fileBytes: 200, memoryBytes: 100)]).bytes, "segment"),
      ("elf-segment-outside-memory", ELF(segments: [.init(address: 1024 * megabyte)]).bytes, "outside"),
      ("elf-segment-ends-outside-memory", ELF(segments: [.init(memoryBytes: 256 * megabyte)]).bytes, "outside"),
      ("elf-segment-in-the-hole", ELF(segments: [.init(address: 0xd000_0000)]).bytes, "outside"),
      ("elf-segment-wraps", ELF(segments: [.init(address: .max - 0xff, memoryBytes: 0x1000)]).bytes, "outside"),
      ("elf-segments-overlap", ELF(segments: [.init(), .init(address: megabyte + 64)]).bytes, "overlap"),
      ("elf-segment-over-the-tables", ELF(segments: [.init(), .init(address: 0x6000)]).bytes, "overlap"),
      ("elf-entry-outside", ELF(entry: 0x1234).bytes, "entry point"),
      ("elf-is-no-kernel", ELF(hasNote: false).bytes, "no kernel that can be booted"),
    ]
  }()

  private static let bzImages: [(String, [UInt8], String)] = {
    func image(_ change: (inout MadeUpKernel.LinuxFields) -> Void) -> [UInt8] { MadeUpKernel.bzImage(change) }
    return [
      ("bzimage-header-truncated", Array(MadeUpKernel.bzImage().prefix(0x220)), "truncated"),
      ("bzimage-cut-off", Array(MadeUpKernel.bzImage().dropLast(3000)), "truncated"),
      ("bzimage-setup-beyond-the-file", image { $0.setupSectors = 255 }, "setup_sects"),
      ("bzimage-old-protocol", image { $0.version = 0x0201 }, "2.1"),
      ("bzimage-loaded-low", image { $0.loadFlags = 0 }, "zImage"),
      ("bzimage-init-size-absurd", image { $0.initSize = 0xffff_f000 }, "outside"),
      ("bzimage-preferred-address-outside", image { $0.preferredAddress = 1 << 40 }, "outside"),
      ("bzimage-preferred-address-wraps", image { $0.preferredAddress = .max - 0xfff }, ""),
      ("bzimage-alignment-zero", image { $0.alignment = 0 }, "kernel_alignment"),
      ("bzimage-alignment-odd", image { $0.alignment = 0x30_0000 }, "kernel_alignment"),
      ("bzimage-alignment-huge", image { $0.alignment = 1 << 31 }, ""),
    ]
  }()
}
