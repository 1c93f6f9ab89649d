import Host

/// The computer that something was measured on.
struct HostDescription: Codable, Equatable {
  let cpuModel: String
  let cpus: Int
  let memoryBytes: UInt64
  let kernel: String
  /// Whether its CPU has virtualization extensions, so that KVM is backed by hardware, a nested one perhaps.
  let hardwareVirtualization: Bool
  let hugePages: String

  init() {
    let information = Self.text("/proc/cpuinfo").split(separator: "\n")
    func field(_ name: String) -> String {
      let line = information.first { $0.hasPrefix(name) } ?? ""
      return String(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " })
    }
    cpuModel = field("model name")
    cpus = HostCPU.count
    memoryBytes = HostMemory.bytes
    kernel = Self.text("/proc/sys/kernel/osrelease").split(separator: "\n").first.map(String.init) ?? ""
    let flags = field("flags").split(separator: " ")
    hardwareVirtualization = flags.contains("svm") || flags.contains("vmx")
    // "always [madvise] never": the word in brackets is what counts.
    let policy = Self.text("/sys/kernel/mm/transparent_hugepage/enabled")
    hugePages = String(policy.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" })
  }

  private static func text(_ path: String) -> String {
    guard let file = try? Descriptor.open(path, .readOnly), let bytes = try? file.read(count: 1 << 16, at: 0) else {
      return ""
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A file that was measured with, told by its content.
struct FileDescription: Codable, Equatable {
  let path: String
  /// Nil: this computer has no sha256sum.
  let sha256: String?
}

extension FileDescription {
  init(_ path: String) {
    let line = InstalledProgram("sha256sum")?.firstLine([path])
    self.init(path: path, sha256: line.flatMap { $0.split(separator: " ").first.map(String.init) })
  }
}
