import DiskImage
import Foundation
import MadeUpImages
import Testing

@testable import rowhouse

@Suite("What each VMM is started with")
final class BenchedVMMTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/benched-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bzImage()).write(to: URL(filePath: "\(folder)/linux"))
    for name in ["kernel", "initramfs"] { try Data(count: 8192).write(to: URL(filePath: "\(folder)/\(name)")) }
    try ImageCreation(format: .raw, size: 1 << 20).make(at: "\(folder)/d,raw")
    try ImageCreation(format: .raw, size: 1 << 20).make(at: "\(folder)/raw")
    try ImageCreation(format: .qcow2, size: 1 << 20).make(at: "\(folder)/qcow2")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// What the options of `rowhouse run` make; FOLDER in them is the test's.
  private func guest(_ kernel: String, _ words: String...) throws -> BenchedGuest {
    let words = words.map { $0.replacingOccurrences(of: "FOLDER", with: folder) }
    return try BenchedGuest(GuestOptions.parse(words).makeConfiguration("\(folder)/\(kernel)"))
  }

  private func arguments(_ vmm: BenchedVMM, _ guest: BenchedGuest) -> [String] {
    vmm.arguments(for: guest, qemuCPU: "host", configuration: "file").map {
      $0.replacingOccurrences(of: folder, with: "FOLDER")
    }
  }

  /// Each has its own words for the same things; all must be there.
  @Test(arguments: BenchedVMM.allCases.filter { $0 != .firecracker && $0 != .bare })
  func everythingIsSaid(vmm: BenchedVMM) throws {
    let arguments = arguments(
      vmm,
      try guest(
        "kernel", "--initrd", "FOLDER/initramfs", "--cmdline", "console=ttyS0 quiet", "--cpus", "2", "--memory",
        "512M"))
    for word in ["FOLDER/kernel", "FOLDER/initramfs", "console=ttyS0 quiet"] { #expect(arguments.contains(word)) }
    #expect(arguments.contains("2") || arguments.contains("boot=2"))
    #expect(arguments.contains { ["512", "512M", "size=512M"].contains($0) })
  }

  /// Else each would boot with its own: Rowhouse's Linux speaks, and the others' are silent.
  @Test(arguments: BenchedVMM.allCases.filter { $0 != .firecracker })
  func allGetTheSameCommandLine(vmm: BenchedVMM) throws {
    let usual = "console=ttyS0 panic=-1"
    #expect(arguments(vmm, try guest("linux")).contains(usual))
    let given = arguments(vmm, try guest("linux", "--", "quiet", "root=/dev/vda"))
    #expect(given.contains("quiet root=/dev/vda") && !given.contains(usual))
    let empty = arguments(vmm, try guest("linux", "--cmdline", ""))
    #expect(empty.contains("") && !empty.contains(usual))
  }

  /// Of kernels that are not Linux there is nothing that they would all want.
  @Test(arguments: BenchedVMM.allCases.filter { $0 != .firecracker })
  func whatIsNotThereIsNotSaid(vmm: BenchedVMM) throws {
    let words = arguments(vmm, try guest("kernel")).joined(separator: " ")
    for option in ["initrd", "initramfs", "append", "cmdline", "params", "disk", "drive", "net0", "rng"] {
      #expect(!words.contains(option))
    }
  }

  private static let devices = [
    "--disk", "FOLDER/raw,readonly", "--disk", "FOLDER/raw", "--net", "tap=t0,mac=02:00:00:00:00:0a", "--entropy",
  ]

  @Test(arguments: [
    (.rowhouse, [
      "--disk FOLDER/raw,readonly,format=raw", "--disk FOLDER/raw,format=raw", "--net tap=t0,mac=02:00:00:00:00:0a",
      "--entropy yes",
    ]),
    (.rowhouseRun, [
      "--disk FOLDER/raw,readonly,format=raw", "--net tap=t0,mac=02:00:00:00:00:0a", "--entropy --quiet",
    ]),
    (.qemuMicrovm, [
      "-drive if=none,id=disk0,file=FOLDER/raw,format=raw,readonly=on -device virtio-blk-device,drive=disk0",
      "-drive if=none,id=disk1,file=FOLDER/raw,format=raw -device virtio-blk-device,drive=disk1",
      "-netdev tap,id=net0,ifname=t0,script=no,downscript=no",
      "-device virtio-net-device,netdev=net0,mac=02:00:00:00:00:0a", "-device virtio-rng-device,rng=entropy",
    ]),
    (.qemuQ35, ["virtio-blk-pci,drive=disk0", "virtio-net-pci,netdev=net0,", ",romfile=", "virtio-rng-pci,rng"]),
    (.kvmtool, [
      "--disk FOLDER/raw,ro --disk FOLDER/raw --network mode=tap,tapif=t0,guest_mac=02:00:00:00:00:0a --rng",
    ]),
    (.cloudHypervisor, [
      "--disk path=FOLDER/raw,readonly=on path=FOLDER/raw --net tap=t0,mac=02:00:00:00:00:0a"
    ]),
  ] as [(BenchedVMM, [String])])
  func devicesAreSaid(vmm: BenchedVMM, texts: [String]) throws {
    let guest = try BenchedGuest(
      GuestOptions.parse(Self.devices.map { $0.replacingOccurrences(of: "FOLDER", with: folder) })
        .makeConfiguration("\(folder)/kernel"))
    #expect(vmm.refusal(of: guest, isELF: vmm != .kvmtool) == nil)
    let words = arguments(vmm, guest).joined(separator: " ")
    for text in texts { #expect(words.contains(text), "\(text) in \(words)") }
  }

  @Test func whatDisksMayHaveElse() throws {
    let words = arguments(
      .qemuQ35, try guest("kernel", "--disk", "FOLDER/d,raw,serial=s,overlay,cache=none,aio=io_uring", "--disk",
        "FOLDER/qcow2,cache=writethrough")
    ).joined(separator: " ")
    #expect(words.contains("file=FOLDER/d,,raw,format=raw,snapshot=on,cache.direct=on,aio=io_uring "))
    #expect(words.contains("drive=disk0,serial=s"))
    #expect(words.contains("file=FOLDER/qcow2,format=qcow2,cache.writeback=off"))
  }

  /// Rowhouse would make one of the host's and the device's names, and the others one of their own.
  @Test func allCardsHaveTheSameAddress() throws {
    let guest = try guest("kernel", "--net", "tap=t0")
    let address = try #require(guest.configuration.networks[0].macText)
    for vmm in [BenchedVMM.rowhouse, .rowhouseRun, .qemuMicrovm, .kvmtool, .cloudHypervisor] {
      #expect(arguments(vmm, guest).contains { $0.contains(address) })
    }
  }

  @Test func firecrackerReadsAFile() throws {
    let guest = try guest(
      "kernel", "--initrd", "FOLDER/initramfs", "--cmdline", "console=ttyS0 quiet", "--cpus", "2", "--memory", "512M",
      "--disk", "FOLDER/raw,readonly,aio=io_uring", "--net", "tap=t0,mac=02:00:00:00:00:0a", "--entropy")
    #expect(arguments(.firecracker, guest) == ["--no-api", "--config-file", "file", "--log-path", "/dev/null"])
    let json = FirecrackerConfiguration(guest).json.replacingOccurrences(of: folder, with: "FOLDER")
    for text in [
      #""boot-source""#, #""kernel_image_path" : "FOLDER/kernel""#, #""initrd_path" : "FOLDER/initramfs""#,
      #""boot_args" : "console=ttyS0 quiet""#, #""machine-config""#, #""vcpu_count" : 2"#, #""mem_size_mib" : 512"#,
      #""path_on_host" : "FOLDER/raw""#, #""is_read_only" : true"#, #""is_root_device" : false"#,
      #""cache_type" : "Writeback""#, #""io_engine" : "Async""#, #""network-interfaces""#, #""host_dev_name" : "t0""#,
      #""guest_mac" : "02:00:00:00:00:0a""#, #""entropy" : {"#,
    ] { #expect(json.contains(text), "\(text) in \(json)") }
    // Its own command line is not empty.
    let plain = FirecrackerConfiguration(try self.guest("kernel")).json
    #expect(plain.contains(#""boot_args" : """#) && !plain.contains("entropy") && !plain.contains("network-"))
  }

  /// kvmtool's own defaults would be a part of what is measured.
  @Test func kvmtoolAddsNothing() throws {
    #expect(arguments(.kvmtool, try guest("kernel")).starts(with: ["run", "--nodefaults"]))
  }

  @Test func kernelsThatCannotBeStarted() throws {
    let guest = try guest("kernel", "--cpus", "2")
    func isRefused(_ vmm: BenchedVMM, isELF: Bool) -> Bool { vmm.refusal(of: guest, isELF: isELF) != nil }
    #expect(isRefused(.kvmtool, isELF: true) && !isRefused(.kvmtool, isELF: false))
    #expect(!isRefused(.firecracker, isELF: true) && isRefused(.firecracker, isELF: false))
    for vmm in [BenchedVMM.rowhouse, .rowhouseRun, .qemuQ35] { #expect(!isRefused(vmm, isELF: true)) }
    #expect(BenchedVMM.bare.refusal(of: try self.guest("kernel"), isELF: true) == nil && isRefused(.bare, isELF: true))
  }

  /// Nobody is measured with less than the others have.
  @Test(arguments: [
    (["--balloon", "16M"], [.qemuMicrovm, .qemuQ35, .firecracker, .cloudHypervisor, .bare], "--balloon 16M"),
    (["--cpu-mask", "avx"], [.qemuQ35, .firecracker], "--cpu-mask avx"),
    (["--console-device", "virtio"], [.qemuQ35, .cloudHypervisor], "--console-device virtio"),
    (["--entropy"], [.bare], "--entropy"),
    (["--disk", "FOLDER/raw,serial=s"], [.firecracker], "--disk with serial"),
    (["--disk", "FOLDER/qcow2"], [.firecracker], "--disk with format=qcow2"),
    (["--disk", "FOLDER/raw,overlay=o"], [.qemuQ35, .firecracker, .cloudHypervisor], "--disk with overlay=PATH"),
    (["--disk", "FOLDER/raw,iops=10"], [.qemuQ35, .firecracker, .cloudHypervisor], "--disk with limits"),
    (["--disk", "FOLDER/d,raw"], [.firecracker, .cloudHypervisor], "--disk with a comma in its path"),
    (["--net", "socket=s"], [.qemuQ35, .firecracker, .cloudHypervisor], "--net with socket=PATH"),
    (["--net", "tap=t,mtu=9000"], [.firecracker], "--net with mtu"),
  ] as [([String], [BenchedVMM], String)])
  func whatAVMMHasNot(words: [String], vmms: [BenchedVMM], what: String) throws {
    let guest = try BenchedGuest(
      GuestOptions.parse(words.map { $0.replacingOccurrences(of: "FOLDER", with: folder) })
        .makeConfiguration("\(folder)/kernel"))
    for vmm in vmms { #expect(vmm.refusal(of: guest, isELF: true) == "has no \(what) that is known here") }
    for vmm in [BenchedVMM.rowhouse, .rowhouseRun] { #expect(vmm.refusal(of: guest, isELF: true) == nil) }
  }

  @Test(arguments: [("--unpack", true), ("--no-unpack", false), ("--entropy", nil)])
  func unpackingIsTheWholeCommands(word: String, isUnpacked: Bool?) throws {
    let options = try BenchedGuestOptions.parse([word, "--vmm", "rowhouse,rowhouse-run"])
    let guest = try options.guest("\(folder)/kernel")
    #expect(guest.isUnpacked == isUnpacked)
    #expect(arguments(.rowhouseRun, guest).contains(word))
    #expect(!arguments(.rowhouse, guest).contains { $0.contains("unpack") })
    #expect(try BenchedGuestOptions.parse(["--vmm", "rowhouse,rowhouse-run", word]).vmms().count == 2)
    #expect((try? BenchedGuestOptions.parse([word]).vmms()) == nil || isUnpacked == nil)
  }

  /// `rowhouse run` makes of its words the guest that `rowhouse-vmm` has.
  @Test func theWholeCommandHasTheSameGuest() throws {
    let guest = try guest(
      "linux", "--memory", "64M", "--cpu-pin", "0", "--cpu-quota", "50%", "--module",
      "FOLDER/initramfs a text", "--disk", "FOLDER/raw,readonly", "--net", "tap=t", "--entropy", "--balloon",
      "1M", "--console-device", "virtio")
    let words = BenchedVMM.rowhouseRun.arguments(for: guest, qemuCPU: "", configuration: "")
    #expect(words.first == "run" && words.last == "--quiet")
    #expect(try RunCommand.parse(Array(words.dropFirst())).makeConfiguration() == guest.configuration)
  }
}
