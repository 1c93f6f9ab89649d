import ArgumentParser

/// The options that say what machine a guest has and what it boots: of `rowhouse run`, and of the benchmarks, which
/// start the same guests.
struct GuestOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: """
      Boot the ELF file in a bzImage, which is unpacked here once and kept, or have the bzImage unpack itself in the \
      guest each time (default: unpacked here where that can be).
      """)
  var unpack: Bool?

  @Option(parsing: .unconditional, help: "Virtual CPUs (default: 1).")
  var cpus: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("CPU time that the guest's CPUs may use together, in per cent of one.", valueName: "share"))
  var cpuQuota: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("In what time the quota is kept, like 20ms (default: 10ms).", valueName: "time"))
  var cpuPeriod: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("CPU time beyond the quota that may be saved up, like 50ms (default: none).", valueName: "time"))
  var cpuBurst: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The host's CPUs that the guest's stay on, one by one, like 0,2-3.", valueName: "list"))
  var cpuPin: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A folder of the host's cgroup v2, yours, to run in: the host then keeps the quota, of all the VMM.",
      valueName: "path"))
  var cgroup: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "With --cgroup: how much of a busy host the guest gets beside others, 1 to 10000 (default: 100).",
      valueName: "weight"))
  var cpuWeight: String?

  @Option(parsing: .unconditional, help: "Memory, like 512M or 2G (default: 256M).")
  var memory: String?

  @Option(parsing: .unconditional, help: "The initial RAM disk of a Linux kernel.")
  var initrd: String?

  @Option(
    name: .customLong("module"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A boot module and its text; may be repeated.", valueName: "path text"))
  var modules: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The kernel's command line (default: for Linux, its console).", valueName: "text"))
  var cmdline: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "linux, pvh, multiboot or flat (default: found by looking at the file).", valueName: "protocol"))
  var boot: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Where a flat binary is put, like 0x7c00.", valueName: "address"))
  var loadAddress: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Where a flat binary starts.", valueName: "address"))
  var entry: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("CPU features to hide, named as in /proc/cpuinfo.", valueName: "feature,…"))
  var cpuMask: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "By which device the guest has its console: serial (ttyS0) or virtio (hvc0) (default: serial).",
      valueName: "device"))
  var consoleDevice: String?

  @Option(
    name: .customLong("disk"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      A disk image (raw or qcow2) for the guest; may be repeated. Options: readonly, serial=ID, format=raw|qcow2; \
      overlay=PATH: what the guest writes goes to that overlay, made if need be, without =PATH to one that is thrown \
      away; cache=writeback (the guest flushes), writethrough (every write is durable) or none (writeback and direct); \
      direct: past the host's page cache; aio=io_uring or none: many requests at once, or one after the other. Limits: \
      [read-|write-]bandwidth=SIZE a second, [read-|write-]iops=N, each also with -burst; budget=SIZE in all, after \
      which requests fail.
      """,
      valueName: "path[,option]…"))
  var disks: [String] = []

  @Option(
    name: .customLong("net"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      A network card on tap=NAME or socket=PATH (of passt, or of another guest: who comes first listens); may be \
      repeated. Options: mac=ADDRESS (else it is made of the end and, on a socket, the guest's --name; without one, of \
      who comes first), mtu=N, and limits as for --disk: [rx-|tx-]bandwidth=SIZE, [rx-|tx-]packets=N, budget=SIZE.
      """,
      valueName: "end[,option]…"))
  var networks: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Memory that the guest gives back to the host, like 128M, and what it has free besides (0M: only that).",
      valueName: "size"))
  var balloon: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What of the guest may be in the host's memory; its balloon takes what is more (needs --balloon).",
      valueName: "size"))
  var memoryMax: String?

  @Flag(help: "Give the guest random numbers of the host (virtio-rng).")
  var entropy = false

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("The kernel's command line, instead of --cmdline.", valueName: "command line"))
  var commandLine: [String] = []
}
