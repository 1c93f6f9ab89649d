import Glibc

/// The program that runs a guest, `rowhouse-vmm`.
enum VMMProgram {
  static let name = "rowhouse-vmm"

  /// Its path: beside this program, as both are installed together, else where PATH leads.
  static func find() throws(HostError) -> String {
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
