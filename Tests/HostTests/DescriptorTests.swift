import Glibc
import Host
import Testing

/// Whether the kernel knows `number` as a descriptor of the memory file `name`: tests that run beside this one may be
/// given the same number as soon as it is free, but not the name.
private func isOpen(_ number: Int32, _ name: String) -> Bool {
  var target = [CChar](repeating: 0, count: 200)
  // SAFETY: one byte less than the array is offered, so that the text stays terminated.
  return unsafe target.withUnsafeMutableBufferPointer {
    _ = unsafe readlink("/proc/self/fd/\(number)", $0.baseAddress!, $0.count - 1)
    return unsafe String(cString: $0.baseAddress!).contains("memfd:\(name)")
  }
}

@Suite("Descriptors")
struct DescriptorTests {
  @Test func errorsSayWhatAndWhy() {
    #expect(Errno.noSuchFile.description == "No such file or directory")
    #expect(Errno.permissionDenied.description == "Permission denied")
    #expect(Errno(rawValue: 4095).description == "Unknown error 4095")
    #expect(SystemCallError("open", .isDirectory).description == "open: Is a directory")
  }

  @Test func resultsBecomeErrors() throws {
    #expect(try checked("call", Int32(7)) == 7)
    #expect(try checked("call", 0) == 0)
    #expect(throws: SystemCallError("call", .inputOutput)) { try checked("call", -EIO) }
    #expect(throws: SystemCallError("call", .again)) { try checked("call", -Int(EAGAIN)) }
  }

  @Test func openingFailsWithTheReason() {
    #expect(throws: SystemCallError("open", .noSuchFile)) { _ = try Descriptor.open("/nowhere/nothing", .readOnly) }
    #expect(throws: SystemCallError("open", .isDirectory)) { _ = try Descriptor.open("/", .writeOnly) }
    #expect(throws: SystemCallError.self) { _ = try Descriptor.duplicate(of: 9999) }
  }

  @Test func closesWithItsEnd() throws {
    var number: Int32 = -1
    do {
      let file = try Descriptor.memory(named: "closed-at-end")
      number = file.number
      #expect(isOpen(number, "closed-at-end"))
    }
    #expect(!isOpen(number, "closed-at-end"))
  }

  @Test func closesWhatAnErrorLeavesBehind() throws {
    var number: Int32 = -1
    func open() throws(SystemCallError) -> Descriptor {
      let file = try Descriptor.memory(named: "closed-by-error")
      number = file.number
      #expect(isOpen(number, "closed-by-error"))
      try file.truncate(to: -1)
      return file
    }
    #expect(throws: SystemCallError("ftruncate", .invalidArgument)) { _ = try open() }
    #expect(!isOpen(number, "closed-by-error"))
  }

  @Test func duplicateIsTheSameFile() throws {
    let first = try Descriptor.memory(named: "test")
    let second = try Descriptor.duplicate(of: first.number)
    #expect(first.number != second.number)
    try first.writeAll("abc")
    #expect(try second.status().size == 3)
  }

  @Test func isNeverInherited() throws {
    let file = try Descriptor.memory(named: "test")
    #expect(fcntl(file.number, F_GETFD) == FD_CLOEXEC)
  }

  @Test func knowsWhatFilesAre() throws {
    #expect(try Descriptor.open("/", .readOnly).status().kind == .directory)
    #expect(try Descriptor.open("/dev/null", .readOnly).status().kind == .characterDevice)
    let file = try Descriptor.memory(named: "test")
    try file.truncate(to: 12_345)
    let status = try file.status()
    #expect(status.kind == .regular)
    #expect(status.size == 12_345)
    #expect(try Pipe().reading.status().kind == .pipe)
  }

  @Test func readsAtAPlace() throws {
    let file = try Descriptor.memory(named: "test")
    try file.writeAll("0123456789")
    // SAFETY: the buffer is as long as the array that it stands for.
    func read(_ count: Int, at offset: UInt64) throws -> String {
      var bytes = [UInt8](repeating: 0x2e, count: count)
      let got = try unsafe bytes.withUnsafeMutableBytes { unsafe try file.read(into: $0, at: offset) }
      #expect(bytes[got...].allSatisfy { $0 == 0x2e })
      return String(decoding: bytes[..<got], as: UTF8.self)
    }
    #expect(try read(4, at: 3) == "3456")
    #expect(try read(4, at: 8) == "89")
    #expect(try read(4, at: 10) == "")
    #expect(try read(0, at: 0) == "")
  }

  @Test func pipeCarriesBytesAndTheirEnd() throws {
    let pipe = try Pipe()
    let reading = try Descriptor.duplicate(of: pipe.reading.number)
    func send(_ pipe: consuming Pipe) throws { try pipe.writing.writeAll("over") }
    try send(pipe)
    var bytes = [UInt8](repeating: 0, count: 16)
    // SAFETY: the buffer is as long as the array that it stands for.
    #expect(try unsafe bytes.withUnsafeMutableBytes { unsafe try reading.read(into: $0) } == 4)
    #expect(bytes.starts(with: "over".utf8))
    // SAFETY: as before.
    #expect(try unsafe bytes.withUnsafeMutableBytes { unsafe try reading.read(into: $0) } == 0)
  }

  /// More than a pipe holds: the writer goes on after short writes.
  @Test func writesEverything() throws {
    let text = String(repeating: "sixteen letters.", count: 20_000)
    let pipe = try Pipe()
    let target = try Descriptor.duplicate(of: pipe.writing.number)
    let writer = try Thread(named: "writer") { try? target.writeAll(text) }
    var total = 0
    var bytes = [UInt8](repeating: 0, count: 5000)
    while total < text.utf8.count {
      // SAFETY: the buffer is as long as the array that it stands for.
      let got = try unsafe bytes.withUnsafeMutableBytes { unsafe try pipe.reading.read(into: $0) }
      for index in 0..<got where bytes[index] != Array("sixteen letters.".utf8)[(total + index) % 16] {
        Issue.record("wrong byte at \(total + index)")
      }
      total += got
    }
    writer.join()
    #expect(total == text.utf8.count)
  }
}
