import Control
import Glibc
import Host
import Machine

/// The program that runs a guest, `rowhouse-vmm`.
struct VMMProgram {
  private static let name = "rowhouse-vmm"
  /// Where it finds the guest's meter: the first descriptor behind the three standard ones.
  static let meterPath = "/proc/self/fd/3"
  /// Where it finds an unpacked kernel: the descriptor behind that.
  private static let kernelPath = "/proc/self/fd/4"

  private let path: String

  /// Finds the program, and makes this process fit to start it.
  init() throws(HostError) {
    guard let program = InstalledProgram(Self.name) else {
      throw HostError("\(Self.name) is neither beside this program nor on PATH")
    }
    path = program.path
    // A parent that ignores its children's ends leaves that to its own children; nobody would learn of the VMM's.
    signal(SIGCHLD, SIG_DFL)
  }

  /// Starts it for one guest.
  ///
  /// - Parameters:
  ///   - streams: the numbers of its standard input, output and error.
  ///   - kernel: what was unpacked of the kernel; nil: the kernel's file is booted as it is.
  ///   - isTied: whether it ends with this process.
  func start(
    _ configuration: Configuration, streams: [Int32], meter: SharedDescriptor, kernel: SharedDescriptor?, isTied: Bool
  ) throws(HostError) -> ChildProcess {
    var configuration = configuration
    configuration.meter = Self.meterPath
    if kernel != nil { configuration.unpackedKernel = Self.kernelPath }
    let arguments = configuration.arguments
    let vmm: ChildProcess
    do throws(SystemCallError) {
      let descriptors = streams + [meter, kernel].compactMap { $0?.number }
      vmm = try ChildProcess(path, arguments, descriptors: descriptors, defaults: [SIGPIPE], isTied: isTied)
    } catch {
      throw HostError("\(path) cannot be started: \(error.errno)")
    }
    // Written while the VMM starts, for those who look at the guest when it has ended. Nothing else hangs on it.
    if let folder = configuration.folder { try? Self.keep(arguments, in: folder) }
    return vmm
  }

  private static func keep(_ arguments: [String], in folder: String) throws(SystemCallError) {
    let path = "\(folder)/\(FolderFile.arguments.rawValue)"
    try Descriptor.open(path, [.writeOnly, .create, .exclusive], permissions: 0o600)
      .writeAll(arguments.map { $0 + "\0" }.joined())
  }
}
