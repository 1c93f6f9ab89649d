import Boot
import Foundation
import GuestMemory
import MadeUpImages
import Testing

/// The tables as a kernel finds them in memory.
private struct Firmware {
  let memory: GuestMemory

  init(apicIDs: [UInt32] = [0, 1]) throws {
    memory = try GuestMemory(bytes: 16 << 20)
    _ = try load(BootRequest(kernel: image(pvhKernel())), into: memory, platform: .test(apicIDs: apicIDs))
  }

  func bytes(_ address: UInt64, _ count: Int) throws -> [UInt8] { try memory.read(GuestAddress(address), count: count) }

  func table(_ address: UInt64) throws -> [UInt8] {
    try bytes(address, Int(bytes(address + 4, 4).integer(at: 0, as: UInt32.self)))
  }

  /// Found by the search that the specification prescribes (ACPI 6.5, 5.2.5.1).
  func rsdp() throws -> [UInt8] {
    let area = try bytes(0xe_0000, 0x2_0000)
    let candidates = stride(from: 0, to: area.count, by: 16)
    let offset = try #require(candidates.first { area[$0...].starts(with: "RSD PTR ".utf8) })
    return Array(area[offset..<offset + 36])
  }

  /// All tables by their signatures.
  func tables() throws -> [String: [UInt8]] {
    let rsdp = try rsdp()
    let xsdt = try table(rsdp.integer(at: 24))
    let rsdt = try table(UInt64(rsdp.integer(at: 16, as: UInt32.self)))
    var list = [xsdt, rsdt]
    for offset in stride(from: 36, to: xsdt.count, by: 8) { list.append(try table(xsdt.integer(at: offset))) }
    let fadt = try #require(list.first { $0.starts(with: "FACP".utf8) })
    list.append(try table(fadt.integer(at: 140)))
    list.append(try table(UInt64(fadt.integer(at: 36, as: UInt32.self))))
    return Dictionary(uniqueKeysWithValues: list.map { (String(decoding: $0[..<4], as: UTF8.self), $0) })
  }
}

/// One CPU; many; and some whose APIC IDs take more than 8 bits.
private let processorSets: [[UInt32]] = [[0], Array(0..<32), Array(0..<4) + [254, 255, 256, 1000]]

@Suite struct TableTests {
  @Test(arguments: processorSets)
  func everySumIsZero(apicIDs: [UInt32]) throws {
    let firmware = try Firmware(apicIDs: apicIDs)
    let rsdp = try firmware.rsdp()
    #expect(Array(rsdp[..<20]).checksum == 0 && rsdp.checksum == 0)
    let tables = try firmware.tables()
    #expect(Set(tables.keys) == ["XSDT", "RSDT", "FACP", "FACS", "APIC", "DSDT"])
    for (signature, table) in tables where signature != "FACS" { #expect(table.checksum == 0, "\(signature)") }
    // Both roots list the same tables.
    let (xsdt, rsdt) = (try #require(tables["XSDT"]), try #require(tables["RSDT"]))
    let wide = stride(from: 36, to: xsdt.count, by: 8).map { xsdt.integer(at: $0, as: UInt64.self) }
    #expect(wide == stride(from: 36, to: rsdt.count, by: 4).map { UInt64(rsdt.integer(at: $0, as: UInt32.self)) })
  }

  @Test func theFADTDescribesTheFixedHardware() throws {
    let fadt = try #require(try Firmware().tables()["FACP"])
    #expect(fadt.count == 276 && fadt[8] == 6)
    #expect(fadt.integer(at: 46, as: UInt16.self) == 9)
    for (legacy, extended, port) in [(56, 148, 0x600), (64, 172, 0x604), (76, 208, 0x608)] {
      #expect(fadt.integer(at: legacy, as: UInt32.self) == UInt32(port))
      #expect(fadt[extended] == 1 && fadt.integer(at: extended + 4, as: UInt64.self) == UInt64(port))
    }
    #expect(fadt.integer(at: 120, as: UInt64.self) == 0xcf9 && fadt[128] == 6)
  }

  @Test func theMADTListsEveryProcessorOnce() throws {
    for apicIDs in processorSets {
      let madt = try #require(try Firmware(apicIDs: apicIDs).tables()["APIC"])
      var found: [UInt32] = []
      var offset = 44
      while offset < madt.count {
        switch madt[offset] {
        case 0: found.append(UInt32(madt[offset + 3]))
        case 9: found.append(madt.integer(at: offset + 4))
        default: break
        }
        offset += Int(madt[offset + 1])
      }
      #expect(found == apicIDs && offset == madt.count)
    }
  }

  /// Intel's compiler takes every table apart, and puts its own text together again, without a word of complaint.
  @Test(arguments: processorSets)
  func iaslHasNoComplaint(apicIDs: [UInt32]) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("boot-tests-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (signature, table) in try Firmware(apicIDs: apicIDs).tables() {
      try Data(table).write(to: folder.appendingPathComponent(signature + ".dat"))
      let disassembly = try iasl(["-d", signature + ".dat"], in: folder)
      let source = try String(contentsOf: folder.appendingPathComponent(signature + ".dsl"), encoding: .utf8)
      for text in [disassembly, source] { expectNoComplaint(text, signature) }
      let compilation = try iasl(["-p", "again", signature + ".dsl"], in: folder)
      #expect(
        compilation.contains("0 Errors, 0 Warnings") || compilation.contains("Compilation successful"),
        "\(signature): \(compilation)")
      // What comes back is the same table, but for the compiler's name and version and the sum.
      var (again, original) = ([UInt8](try Data(contentsOf: folder.appendingPathComponent("again.aml"))), table)
      if signature != "FACS" {
        for index in Array(28..<36) + [9] {
          again[index] = 0
          original[index] = 0
        }
      }
      #expect(again == original, "\(signature)")
    }
  }

  private func expectNoComplaint(_ text: String, _ signature: String) {
    let complaints = ["error", "warning", "invalid", "unknown", "incorrect", "mismatch", "could not"]
    for line in text.lowercased().split(separator: "\n") {
      #expect(!complaints.contains { line.contains($0) }, "\(signature): \(line)")
    }
  }

  private func iasl(_ arguments: [String], in folder: URL) throws -> String {
    let process = Process()
    let pipe = Foundation.Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["iasl"] + arguments
    process.currentDirectoryURL = folder
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "iasl \(arguments): \(output)")
    return output
  }
}

@Suite struct MPTableTests {
  @Test(arguments: processorSets)
  func theTableIsFoundAndSound(apicIDs: [UInt32]) throws {
    let firmware = try Firmware(apicIDs: apicIDs)
    // By the EBDA's segment in the BIOS data area, as the specification has it (MP 1.4, chapter 4).
    let ebda = UInt64(try firmware.bytes(0x40e, 2).integer(at: 0, as: UInt16.self)) << 4
    #expect(try firmware.bytes(0x413, 2).integer(at: 0, as: UInt16.self) as UInt16 == UInt16(ebda / 1024))
    let area = try firmware.bytes(ebda, 1024)
    let offset = try #require(stride(from: 0, to: 1024, by: 16).first { area[$0...].starts(with: "_MP_".utf8) })
    let pointer = Array(area[offset..<offset + 16])
    #expect(pointer.checksum == 0 && pointer[8] == 1)

    let address = UInt64(pointer.integer(at: 4, as: UInt32.self))
    let table = try firmware.bytes(address, Int(firmware.bytes(address + 4, 2).integer(at: 0, as: UInt16.self)))
    #expect(table.starts(with: "PCMP".utf8) && table.checksum == 0)
    var processors: [UInt32] = []
    var bootstrap: [UInt32] = []
    var count = 0
    var position = 44
    while position < table.count {
      if table[position] == 0 {
        processors.append(UInt32(table[position + 1]))
        if table[position + 3] & 2 != 0 { bootstrap.append(UInt32(table[position + 1])) }
      }
      position += table[position] == 0 ? 20 : 8
      count += 1
    }
    #expect(position == table.count && count == Int(table.integer(at: 34, as: UInt16.self)))
    #expect(processors == apicIDs.filter { $0 < 255 } && bootstrap == [0])
  }
}
