import Glibc
import Host
import Testing

@testable import rowhouse

@Suite("What of a guest is in memory")
struct ResidentMemoryTests {
  /// A mapping as smaps shows it; all of them have a page of nothing between them, but where `start` says otherwise.
  private struct Mapping {
    var start: UInt64
    var kibibytes: UInt64
    var resident: UInt64
    var permissions = "rw-p"

    var text: String {
      let end = start + kibibytes << 10
      return """
        \(String(start, radix: 16))-\(String(end, radix: 16)) \(permissions) 00000000 00:00 0
        Size:           \(kibibytes) kB
        Rss:            \(resident * 2) kB
        Pss:            \(resident) kB
        Pss_Dirty:            50 kB
        VmFlags: rd wr mr mw me nr

        """
    }
  }

  private static func smaps(_ mappings: [Mapping]) -> String { mappings.map(\.text).joined() }

  private static let program = Mapping(start: 0x40_0000, kibibytes: 6712, resident: 1600, permissions: "r-xp")
  private static let gibibyte: UInt64 = 1 << 20

  private func memory(_ mappings: [Mapping], _ bytes: UInt64) throws(ResidentMemory.Fault) -> ResidentMemory {
    try ResidentMemory(smaps: [Self.smaps(mappings)], guestBytes: bytes)
  }

  /// The first 2 MiB, and the rest beside it.
  @Test func ofRowhouse() throws {
    let memory = try memory(
      [
        Self.program, Mapping(start: 0x7fb1_c300_0000, kibibytes: 2048, resident: 76),
        Mapping(start: 0x7fb1_c320_0000, kibibytes: 14336, resident: 1000),
        Mapping(start: 0x7fff_0000_0000, kibibytes: 132, resident: 8),
      ], 16 << 20)
    #expect(memory.proportional == (1600 + 76 + 1000 + 8) << 10)
    #expect(memory.overhead == 1608 << 10)
  }

  /// Three GiB below the hole for the devices and one above, each with 2 MiB of small pages.
  @Test func ofRowhouseWithMoreThanFitsBelowTheHole() throws {
    let memory = try memory(
      [
        Self.program, Mapping(start: 0x7fa5_6540_0000, kibibytes: 2048, resident: 4),
        Mapping(start: 0x7fa5_6560_0000, kibibytes: 1_046_528, resident: 30),
        Mapping(start: 0x7fa5_a560_0000, kibibytes: 2048, resident: 76),
        Mapping(start: 0x7fa5_a580_0000, kibibytes: 3_143_680, resident: 500),
      ], 4 << 30)
    #expect(memory.guest == (4 + 30 + 76 + 500) << 10 && memory.overhead == 1600 << 10)
  }

  /// QEMU 7.2 with 16 MiB: its guest's memory is next to a thread's stack, and its heap is not much smaller.
  private static let qemu = [
    Mapping(start: 0x556e_f8a6_b000, kibibytes: 5724, resident: 4764, permissions: "r-xp"),
    Mapping(start: 0x556f_0ab0_f000, kibibytes: 15000, resident: 14000),
    Mapping(start: 0x7fe9_ec02_1000, kibibytes: 65404, resident: 0, permissions: "---p"),
    Mapping(start: 0x7fe9_f900_0000, kibibytes: 2048, resident: 2048),
    Mapping(start: 0x7fe9_f960_0000, kibibytes: 8192, resident: 12),
    Mapping(start: 0x7fe9_f9e0_0000, kibibytes: 16384, resident: 3072),
    Mapping(start: 0x7fe9_fb1f_d000, kibibytes: 8192, resident: 8),
  ]

  @Test func ofQEMU() throws {
    let memory = try memory(Self.qemu, 16 << 20)
    #expect(memory.guest == 3072 << 10)
    #expect(memory.overhead == (4764 + 14000 + 2048 + 12 + 8) << 10)
  }

  /// In one mapping whatever its size, as QEMU has it, or in two, as kvmtool and Cloud Hypervisor do.
  @Test(arguments: [
    [Mapping(start: 0x7fcf_f3e0_0000, kibibytes: 4 * gibibyte, resident: 4096)],
    [
      Mapping(start: 0x7fcf_0000_0000, kibibytes: 3_407_872, resident: 4000),
      Mapping(start: 0x7fd0_0000_0000, kibibytes: 786_432, resident: 96),
    ],
  ])
  private func ofOthersWithFourGibibytes(mappings: [Mapping]) throws {
    #expect(try memory([Self.program] + mappings, 4 << 30).guest == 4096 << 10)
  }

  @Test func whatIsNotThereIsNotMadeUp() {
    #expect(throws: ResidentMemory.Fault.notFound) { try memory(Self.qemu, 64 << 20) }
    // As large as a mapping that nothing can be in.
    #expect(throws: ResidentMemory.Fault.notFound) { try memory(Self.qemu, 65404 << 10) }
    #expect(throws: ResidentMemory.Fault.notFound) { try ResidentMemory(smaps: ["", ""], guestBytes: 1 << 20) }
    // Two small ones that come to as much by chance.
    #expect(throws: ResidentMemory.Fault.notFound) { try memory(Self.qemu, (8192 + 2048) << 10) }
    // As large as the stacks of its threads.
    #expect(throws: ResidentMemory.Fault.ambiguous) { try memory(Self.qemu, 8 << 20) }
  }

  /// `rowhouse run` with the VMM that it has started.
  @Test func ofSeveralProcesses() throws {
    let vmm = Self.smaps([Self.program, Mapping(start: 0x7000_0000_0000, kibibytes: 2048, resident: 100)])
    let memory = try ResidentMemory(smaps: [Self.smaps([Self.program]), vmm], guestBytes: 2 << 20)
    #expect(memory.proportional == 3300 << 10 && memory.guest == 100 << 10)
  }

  @Test func processesAreFoundByTheirParents() throws {
    #expect(ProcessStat("12 (a) b (c)) S 7 12 12 0").flatMap(ProcessTree.parent) == 7)
    #expect(ProcessStat("12 (a").flatMap(ProcessTree.parent) == nil)
    let child = try ChildProcess("/bin/sh", ["-c", "sleep 100 & wait"], descriptors: [0, 1, 2])
    var processes: [Int32] = []
    defer {
      for process in processes { kill(process, SIGKILL) }
      waitpid(child.process, nil, 0)
    }
    // As soon as the shell has started the other.
    while processes.count < 2 { processes = try ProcessTree().processes(from: child.process) }
    #expect(processes.first == child.process && processes.count == 2)
  }
}
