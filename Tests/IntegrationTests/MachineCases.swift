extension Case {
  /// Sizes of machines.
  static let machines: [Case] =
    [1, 2, 4, 8, 32].map { count in
      Case(
        "cpus-\(count)", guest: "smp.elf", "--cpus \(count)",
        says: ["names \(count) processors", "\ncpus=\(count)\n"], verdict: "poweroff")
    } + [
      // The least there is: a guest below 1 MiB.
      Case(
        "memory-1M", guest: "realmode.bin", "--boot flat --load-address 0x7c00 --memory 1M", status: 85,
        says: ["Hello from real mode."], verdict: "debugExit"),
      Case("memory-64M", guest: "hello.elf", "--memory 64M", says: [low("0x003f00000")], verdict: "poweroff"),
      Case(
        "memory-odd-number-of-pages", guest: "hello.elf", "--memory 65532K",
        says: [low("0x003eff000")], verdict: "poweroff"),
      Case("memory-3G", guest: "hello.elf", "--memory 3G", says: [low("0x0bff00000")], verdict: "poweroff") { outcome in
        outcome.expectNo("memory 0x100000000")
      },
      // What does not go below the hole goes above it.
      Case(
        "memory-4G", guest: "hello.elf", "--memory 4G",
        says: [low("0x0bff00000"), high("0x040000000")], verdict: "poweroff"),
      Case(
        "memory-64G", guest: "hello.elf", "--memory 64G --overcommit 100",
        says: [low("0x0bff00000"), high("0xf40000000")], verdict: "poweroff"),
      Case(
        "hidden-features", guest: "hello.elf", "--cpu-mask avx,avx2,x2apic",
        says: ["Hello"], verdict: "poweroff"),
    ]

  private static func low(_ size: String) -> String { "memory 0x000100000 + \(size) usable\n" }
  private static func high(_ size: String) -> String { "memory 0x100000000 + \(size) usable\n" }
}
