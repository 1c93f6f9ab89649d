extension Case {
  /// Options whose values cannot be obeyed.
  static let refusedOptions: [Case] = [
    ("cpus-zero", "--cpus 0", "--cpus 0"),
    ("cpus-negative", "--cpus=-1", "--cpus"),
    ("cpus-too-many", "--cpus 100000", "--cpus 100000"),
    ("cpus-255", "--cpus 255", "--cpus 255"),
    ("cpus-no-number", "--cpus two", "--cpus"),
    ("cpus-beyond-integers", "--cpus 99999999999999999999", "--cpus"),
    ("memory-zero", "--memory 0M", "--memory 0M: a guest needs at least"),
    ("memory-zero-without-unit", "--memory 0", "--memory 0: give a size"),
    ("memory-without-unit", "--memory 512", "--memory 512"),
    ("memory-negative", "--memory=-1M", "--memory"),
    ("memory-tiny", "--memory 4K", "--memory 4K"),
    ("memory-not-pages", "--memory 1025K", "--memory 1025K"),
    ("memory-fraction", "--memory 1.5G", "--memory 1.5G"),
    ("memory-unknown-unit", "--memory 12Q", "--memory 12Q"),
    ("memory-no-number", "--memory G", "--memory G"),
    ("memory-beyond-address-space", "--memory 1000T", "--memory 1000T"),
    // A guest may be promised more than there is, but not everything.
    ("memory-beyond-all-measure", "--memory $(($(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 * 66))M", "times as much"),
    ("memory-beyond-integers", "--memory 99999999999999999999G", "--memory"),
    ("memory-too-small-for-the-kernel", "--memory 1M", "hello.elf"),
    ("command-line-too-long", "--cmdline $(seq -s x 20000)", "--cmdline"),
    ("words-too-long", "-- $(seq -s x 20000)", "--cmdline"),
    ("command-line-twice", "--cmdline a -- b", "--cmdline"),
    ("timeout-zero", "--timeout 0", "--timeout"),
    ("timeout-negative", "--timeout=-1", "--timeout"),
    ("timeout-no-number", "--timeout soon", "--timeout"),
    ("timeout-nan", "--timeout nan", "--timeout"),
    ("timeout-infinite", "--timeout inf", "--timeout"),
    ("console-unknown", "--console telnet", "--console telnet"),
    ("console-file-without-name", "--console file:", "--console file:"),
    ("on-reset-unknown", "--on-reset sometimes", "--on-reset"),
    ("boot-unknown", "--boot uefi", "--boot uefi"),
    ("load-address-of-an-elf-file", "--load-address 0x1000", "--load-address"),
    ("entry-of-an-elf-file", "--entry 0x1000", "--entry"),
    ("load-address-no-number", "--boot flat --load-address here", "--load-address"),
    ("load-address-beyond-memory", "--boot flat --load-address 0x40000000", "hello.elf"),
    ("load-address-that-wraps", "--boot flat --load-address 0xfffffffffffff000", "hello.elf"),
    ("entry-outside-the-image", "--boot flat --entry 0x100", "0x"),
    ("modules-too-many", "$(for n in $(seq 300); do echo --module $GUESTS/realmode.bin; done)", "--module"),
    ("module-without-a-name", "--module ''", "--module"),
    ("mask-unknown-feature", "--cpu-mask avx,warp-drive", "warp-drive"),
    ("option-unknown", "--colour blue", "--colour"),
    ("option-without-value", "--memory", "--memory"),
    ("two-kernels", "another.elf", "another.elf"),
  ].map { (name: String, options: String, naming: String) in
    Case(refused: name, "rowhouse run $GUESTS/hello.elf " + options, naming: naming)
  } + [
    Case(refused: "no-kernel", "rowhouse run", naming: "kernel"),
    Case(refused: "unknown-command", "rowhouse fly", naming: "fly"),
    // The VMM says the same when it is started by hand.
    Case(refused: "vmm-without-kernel", "rowhouse-vmm", naming: "--kernel"),
    Case(refused: "vmm-unknown-option", "rowhouse-vmm --colour blue", naming: "--colour"),
    Case(refused: "vmm-option-without-value", "rowhouse-vmm --kernel", naming: "--kernel"),
    Case(refused: "vmm-word", "rowhouse-vmm hello.elf", naming: "hello.elf"),
    Case(
      refused: "vmm-meter-cannot-be-made", "rowhouse-vmm --kernel $GUESTS/hello.elf --meter no/such/folder",
      naming: "--meter"),
    Case(
      refused: "flat-with-a-command-line", "rowhouse run $GUESTS/realmode.bin --boot flat -- word",
      naming: "--cmdline"),
    Case(
      refused: "flat-with-an-initrd", "rowhouse run $GUESTS/realmode.bin --boot flat --initrd $GUESTS/hello.elf",
      naming: "--initrd"),
  ]
}
