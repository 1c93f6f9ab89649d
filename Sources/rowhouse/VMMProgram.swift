import Glibc
import Host
import Machine

/// The program that runs a guest, `rowhouse-vmm`.
struct VMMProgram {
  private static let name = "rowhouse-vmm"
  /// The descriptor at which it finds the guest's meter.
  private static let meterPlace = 3

  private let path: String

  /// Finds the program, and makes this process fit to start it.
  init() throws(HostError) {
    path = try Self.find()
    // A parent that ignores its children's ends leaves that to its own children; nobody would learn of the VMM's.
    signal(SIGCHLD, SIG_DFL)
  }

  /// Starts it for one guest.
  ///
  /// - Parameters:
  ///   - streams: the numbers of its standard input, output and error.
  ///   - isTied: whether it ends with this process.
  func start(
    _ configuration: Configuration, streams: [Int32], meter: SharedDescriptor, isTied: Bool
  ) throws(HostError) -> ChildProcess {
    var configuration = configuration
    configuration.meter = "/proc/self/fd/\(Self.meterPlace)"
    do throws(SystemCallError) {
      return try ChildProcess(
        path, configuration.arguments, descriptors: streams + [meter.number], defaults: [SIGPIPE], isTied: isTied)
    } catch {
      throw HostError("\(path) cannot be started: \(error.errno)")
    }
  }

  /// Its path: beside this program, as both are installed together, else where PATH leads.
  private static func find() throws(HostError) -> String {
    // SAFETY: the environment is not changed while this program runs, and the text is copied.
    let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    var places = path.split(separator: ":").map(String.init)
    if let own = ownFolder { places.insert(own, at: 0) }
    for place in places {
      let path = "\(place)/\(name)"
      // SAFETY: the call only reads the text.
      if unsafe access(path, X_OK) == 0 { return path }
    }
    throw HostError("\(name) is neither beside this program nor on PATH")
  }

  private static var ownFolder: String? {
    var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
    // SAFETY: the array's own memory, and its true size.
    let count = unsafe readlink("/proc/self/exe", &target, target.count)
    guard count > 0, let slash = target[..<count].lastIndex(of: UInt8(ascii: "/")) else { return nil }
    return String(decoding: target[..<slash], as: UTF8.self)
  }
}
