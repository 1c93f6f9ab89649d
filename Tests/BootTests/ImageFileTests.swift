import Boot
import Foundation
import Glibc
import Host
import MadeUpImages
import Testing

@Suite struct ImageFileTests {
  private func refusal(_ path: String) -> BootError? {
    do throws(BootError) {
      _ = try ImageFile(path: path)
      return nil
    } catch {
      return error
    }
  }

  @Test func filesThatCannotBeImagesAreNamed() throws {
    #expect(refusal("/nowhere/kernel")?.description == "/nowhere/kernel: cannot be read: No such file or directory")
    #expect(refusal("/")?.description == "/: cannot be read: Is a directory")
    #expect(refusal("/dev/null")?.reason == .notRegularFile)
    let empty = try TemporaryFile([])
    #expect(refusal(empty.path)?.description == "\(empty.path): is empty")
  }

  @Test func aPipeIsNotWaitedFor() throws {
    let path = NSTemporaryDirectory() + "/boot-tests-pipe-" + UUID().uuidString
    // SAFETY: the string outlives the call, which only reads it.
    try #require(unsafe mkfifo(path, 0o600) == 0)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(refusal(path)?.reason == .notRegularFile)
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func anUnreadableFileIsNamed() throws {
    let file = try TemporaryFile([1])
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file.path)
    #expect(refusal(file.path)?.reason == .unreadable(.permissionDenied))
  }

  @Test(arguments: [[0], Array("not a kernel".utf8), [UInt8](repeating: 0xff, count: 10000)])
  func otherFilesAreNoKernels(bytes: [UInt8]) throws {
    let request = BootRequest(kernel: try image(bytes))
    expectRefusal(request) { $0 == .unrecognised && $0.description.contains("--boot flat") }
    for forced in [BootProtocol.linux, .pvh, .multiboot] {
      var request = request
      request.bootProtocol = forced
      expectRefusal(request) {
        switch $0 {
        case .not(forced, _), .truncated, .malformed: true
        default: false
        }
      }
    }
  }

  @Test func anELFFileThatIsNoKernelIsNoKernel() throws {
    let bytes = elf(entry: 0x10_0000, [Segment(address: 0x10_0000, bytes: [0xf4])])
    expectRefusal(BootRequest(kernel: try image(bytes))) { $0 == .unrecognised }
  }
}
