import Testing

@testable import rowhouse

@Suite("What each VMM is started with")
struct BenchedVMMTests {
  private let guest = BenchedGuest(
    kernel: "vmlinux", initrd: "initramfs", commandLine: "console=ttyS0 quiet", cpus: 2, memoryBytes: 512 << 20)

  private func arguments(_ vmm: BenchedVMM, _ guest: BenchedGuest? = nil) -> [String] {
    vmm.arguments(for: guest ?? self.guest, qemuCPU: "host", configuration: "file")
  }

  /// Each has its own words for the same things; all must be there.
  @Test(arguments: BenchedVMM.allCases.filter { $0 != .firecracker && $0 != .bare })
  func everythingIsSaid(vmm: BenchedVMM) {
    let arguments = arguments(vmm)
    for word in ["vmlinux", "initramfs", "console=ttyS0 quiet"] { #expect(arguments.contains(word)) }
    #expect(arguments.contains("2") || arguments.contains("boot=2"))
    #expect(arguments.contains { ["512", "512M", "size=512M"].contains($0) })
  }

  @Test(arguments: BenchedVMM.allCases.filter { $0 != .firecracker })
  func whatIsNotThereIsNotSaid(vmm: BenchedVMM) {
    let bare = BenchedGuest(kernel: "vmlinux", initrd: nil, commandLine: nil, cpus: 1, memoryBytes: 256 << 20)
    let words = arguments(vmm, bare).joined(separator: " ")
    for option in ["initrd", "initramfs", "append", "cmdline", "params"] { #expect(!words.contains(option)) }
  }

  @Test func firecrackerReadsAFile() {
    #expect(arguments(.firecracker) == ["--no-api", "--config-file", "file", "--log-path", "/dev/null"])
    let json = BenchedVMM.FirecrackerConfiguration(guest).json
    for text in [
      #""boot-source""#, #""kernel_image_path" : "vmlinux""#, #""initrd_path" : "initramfs""#,
      #""boot_args" : "console=ttyS0 quiet""#, #""machine-config""#, #""vcpu_count" : 2"#, #""mem_size_mib" : 512"#,
    ] { #expect(json.contains(text), "\(text) in \(json)") }
  }

  /// kvmtool's own defaults would be a part of what is measured.
  @Test func kvmtoolAddsNothing() { #expect(arguments(.kvmtool).starts(with: ["run", "--nodefaults"])) }

  private func isRefused(_ vmm: BenchedVMM, isELF: Bool) -> Bool { vmm.refusal(of: guest, isELF: isELF) != nil }

  @Test func kernelsThatCannotBeStarted() {
    #expect(isRefused(.kvmtool, isELF: true) && !isRefused(.kvmtool, isELF: false))
    #expect(!isRefused(.firecracker, isELF: true) && isRefused(.firecracker, isELF: false))
    #expect(isRefused(.rowhouseUnpack, isELF: true) && !isRefused(.rowhouseUnpack, isELF: false))
    for vmm in [BenchedVMM.rowhouse, .rowhouseRun, .qemuQ35] { #expect(!isRefused(vmm, isELF: true)) }
    let small = BenchedGuest(kernel: "hello.elf", initrd: nil, commandLine: nil, cpus: 1, memoryBytes: 256 << 20)
    #expect(BenchedVMM.bare.refusal(of: small, isELF: true) == nil && isRefused(.bare, isELF: true))
  }
}
