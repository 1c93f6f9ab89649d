import Glibc
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
    cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
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

  init(_ path: String) {
    self.path = path
    let line = InstalledProgram("sha256sum")?.firstLine([path])
    sha256 = line.flatMap { $0.split(separator: " ").first.map(String.init) }
  }
}

enum CalendarDate {
  /// Now in UTC, as ISO 8601 has it: "2026-01-31T23:59:59Z".
  static var now: String {
    var seconds = time_t(HostClock.nanosecondsSince1970 / 1_000_000_000)
    var text = [CChar](repeating: 0, count: 32)
    // SAFETY: local variables, and the array's true size; what is written ends with a zero within it.
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
