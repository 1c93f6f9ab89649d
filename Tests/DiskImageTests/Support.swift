import Glibc
import Host

@testable import DiskImage

/// A folder for a test's files, removed with its end.
final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/rowhouse-disk-XXXXXX".utf8CString)
    // SAFETY: the template is a terminated array of this function's own, which mkdtemp changes in place.
    path = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit { run("rm", "-rf", path) }

  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// Runs a program of the host to its end, its output in a file.
///
/// - Returns: its exit status and what it printed.
@discardableResult
func run(_ arguments: String...) -> (status: Int32, output: String) { run(arguments) }

@discardableResult
func run(_ arguments: [String]) -> (status: Int32, output: String) {
  guard let output = try? Descriptor.memory(named: "output") else { return (-1, "no memory file") }
  var process: pid_t = 0
  var status: Int32 = 0
  // SAFETY: a local variable that the calls below fill, read and free.
  var actions = unsafe posix_spawn_file_actions_t()
  // SAFETY: the actions and the argument list are this function's own, made before and freed after their one
  // use.
  unsafe posix_spawn_file_actions_init(&actions)
  unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 1)
  unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 2)
  var list = unsafe arguments.map { unsafe strdup($0) } + [nil]
  let failure = unsafe posix_spawnp(&process, arguments[0], &actions, nil, &list, environ)
  unsafe posix_spawn_file_actions_destroy(&actions)
  for index in 0..<arguments.count { unsafe free(list[index]) }
  guard failure == 0 else { return (-1, "\(arguments[0]): \(Errno(rawValue: failure))") }
  while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
  let text = (try? output.read(count: 1 << 20, at: 0)) ?? []
  return (status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f), String(decoding: text, as: UTF8.self))
}

struct ToolFailed: Error, CustomStringConvertible {
  let description: String
}

/// Runs a program that has to succeed.
func tool(_ arguments: String...) throws {
  let (status, output) = run(arguments)
  if status != 0 { throw ToolFailed(description: "\(arguments.joined(separator: " ")): \(status): \(output)") }
}

/// What `qemu-img check` says of an image: nil when it finds no error; leaks are no errors.
func qemuErrors(_ path: String) -> String? {
  let (status, output) = run("qemu-img", "check", "-f", "qcow2", path)
  return status == 0 || status == 3 ? nil : output
}

/// A repeatable source of chance (SplitMix64).
struct Chance: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

/// Does `body` again while an image is in use. A lock goes with the last copy of its descriptor, and a
/// process that another test is just starting has copies of all until it runs its program.
func patiently<Result>(_ body: () throws -> Result) throws -> Result {
  for _ in 0..<200 {
    do { return try body() } catch let error as ImageError {
      guard case .inUse = error.reason else { throw error }
      usleep(1000)
    }
  }
  return try body()
}

extension Disk {
  func read(_ count: Int, at offset: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: count)
    // SAFETY: the buffer is the array's own and alive for the call.
    try unsafe bytes.withUnsafeMutableBytes { unsafe try read(Segments($0), at: UInt64(offset)) }
    return bytes
  }

  func write(_ bytes: [UInt8], at offset: Int) throws {
    var bytes = bytes
    // SAFETY: as for `read`.
    try unsafe bytes.withUnsafeMutableBytes { unsafe try write(Segments($0), at: UInt64(offset)) }
  }

  func contents() throws -> [UInt8] { try read(Int(size), at: 0) }
}

/// The bytes of a file.
func bytes(of path: String) throws -> [UInt8] {
  let file = try Descriptor.open(path, .readOnly)
  return try file.read(count: Int(try file.status().size), at: 0)
}

/// Makes or replaces a file.
func makeFile(_ path: String, _ bytes: [UInt8]) throws {
  let file = try Descriptor.open(path, [.writeOnly, .create, .truncate])
  // SAFETY: the array is alive for the call.
  try unsafe bytes.withUnsafeBytes { unsafe try file.writeAll($0, at: 0) }
}

/// Bytes with stretches of zeros and of text in them, so that compression, zero clusters and holes all occur.
func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
  var chance = Chance(state: seed)
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count)
  while bytes.count < count {
    let run = min(count - bytes.count, 512 * (1 + chance.below(300)))
    switch chance.below(3) {
    case 0: bytes.append(contentsOf: repeatElement(0, count: run))
    case 1: bytes.append(contentsOf: repeatElement(UInt8(truncatingIfNeeded: chance.next()) | 1, count: run))
    default: for _ in 0..<run { bytes.append(UInt8(truncatingIfNeeded: chance.next())) }
    }
  }
  return bytes
}
