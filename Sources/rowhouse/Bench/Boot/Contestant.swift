import Boot
import Glibc
import Host
import Unpacking

/// A VMM with a kernel: what takes part in a benchmark.
struct Contestant {
  /// "qemu-q35", with the kernel's name behind it where there are several (``KernelNames``). No two have the same.
  let name: String
  let vmm: BenchedVMM
  let guest: BenchedGuest
  /// The program's path and its arguments.
  let program: String
  let arguments: [String]
  let version: String
  /// Whether its descriptor 3 gets what the guest writes to port 0x80.
  let showsPostCodes: Bool
  /// What ends a run to init. The line comes before the marks: where marks at port 0x80 were asked for and are seen, it
  /// is not yet the end, so that every run has them.
  let awaitedInitSources: [InitSource]
  /// What `rowhouse run` boots of the kernel; nil: other VMMs boot its file, whatever it is.
  let kernelForm: KernelForm?
  /// How long it took to unpack the kernel before the first run, which finds it kept; nil: it was not.
  let unpackNanoseconds: UInt64?
  private let configuration: SharedDescriptor?

  /// - Returns: in `missing`, who cannot take part and why.
  static func find(
    _ vmms: [BenchedVMM], guests: [BenchedGuest], qemuCPU: String, postCodes: Bool = false,
    missing: inout [MissingContestant]
  ) -> [Contestant] {
    var contestants: [Contestant] = []
    let kernelNames = KernelNames.of(guests.map(\.kernel))
    for vmm in vmms {
      guard let program = InstalledProgram(vmm.program) else {
        missing.append(.init(name: vmm.rawValue, reason: "\(vmm.program) is not installed"))
        continue
      }
      let said = vmm.versionArguments.map { program.firstLine($0) ?? "unknown version" }
      let version = said ?? Rowhouse.configuration.version
      for (guest, kernelName) in zip(guests, kernelNames) {
        let name = guests.count == 1 ? vmm.rawValue : "\(vmm.rawValue) \(kernelName)"
        if let reason = vmm.refusal(of: guest, isELF: isELF(guest.kernel)) {
          missing.append(.init(name: name, reason: reason, isRefused: true))
        } else {
          // A kernel that cannot be unpacked is no reason to measure nobody.
          do throws(HostError) {
            contestants.append(
              try Contestant(name, vmm, guest, program.path, version, qemuCPU: qemuCPU, postCodes: postCodes))
          } catch {
            missing.append(.init(name: name, reason: "\(error)"))
          }
        }
      }
    }
    return contestants
  }

  private init(
    _ name: String, _ vmm: BenchedVMM, _ guest: BenchedGuest, _ program: String, _ version: String, qemuCPU: String,
    postCodes: Bool
  ) throws(HostError) {
    self.name = name
    self.vmm = vmm
    self.guest = guest
    self.program = program
    self.version = version
    var path = ""
    do throws(SystemCallError) {
      if vmm == .firecracker {
        let file = SharedDescriptor(try .memory(named: "firecracker-configuration"))
        try file.descriptor.writeAll(FirecrackerConfiguration(guest).json)
        path = "/proc/\(getpid())/fd/\(file.number)"
        configuration = file
      } else {
        configuration = nil
      }
    } catch {
      throw HostError(error)
    }
    var arguments = vmm.arguments(for: guest, qemuCPU: qemuCPU, configuration: path)
    if vmm == .rowhouse { arguments += ["--meter", VMMProgram.meterPath] }
    let postCodeArguments = postCodes ? vmm.postCodeArguments : []
    showsPostCodes = !postCodeArguments.isEmpty
    arguments += postCodeArguments
    let seesPostCodes = postCodes && (showsPostCodes || vmm == .rowhouse)
    awaitedInitSources = InitSource.allCases.filter { $0 != .line || !seesPostCodes }
    self.arguments = arguments
    let started = Instant.now
    kernelForm = vmm == .rowhouseRun ? try Self.unpack(guest) : nil
    unpackNanoseconds = kernelForm == .unpacked ? Instant.now.nanoseconds(since: started) : nil
  }

  /// Has the first run find the kernel as later ones do.
  private static func unpack(_ guest: BenchedGuest) throws(HostError) -> KernelForm {
    let origin: UnpackedKernel.Origin?
    do throws(UnpackingError) {
      origin = try UnpackedKernel(booting: guest.configuration, isWanted: guest.isUnpacked)?.origin
    } catch {
      throw HostError("\(error)")
    }
    switch origin {
    case nil: return isBzImage(guest.kernel) ? .packed : .asItIs
    case .cache: return .kept
    case .unpacked: return .unpacked
    case .notKept(let obstacle): throw HostError("\(guest.kernel): it cannot be kept unpacked (\(obstacle))")
    }
  }

  private static func isELF(_ path: String) -> Bool {
    guard let file = try? Descriptor.open(path, .readOnly) else { return false }
    return (try? file.read(count: 4, at: 0)) == Array("\u{7f}ELF".utf8)
  }

  private static func isBzImage(_ path: String) -> Bool {
    guard let file = try? ImageFile(path: path) else { return false }
    return (try? LinuxHeader.isPresent(in: file)) == true
  }

  /// As a person would type it: without the folder of the program, which differs from clone to clone.
  var commandLine: String { ShellWord.line([vmm.program] + arguments) }
}
