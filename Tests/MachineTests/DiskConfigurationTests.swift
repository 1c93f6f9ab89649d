import DiskImage
import Glibc
import Host
import Testing

@testable import Machine

@Suite("--disk")
struct DiskConfigurationTests {
  @Test func options() throws {
    let plain = try DiskConfiguration(argument: "a.img")
    #expect(plain == DiskConfiguration(path: "a.img"))
    let full = try DiskConfiguration(argument: "some/a,b.img,readonly,serial=x-1,format=qcow2")
    #expect(full.path == "some/a,b.img")
    #expect(full.isReadOnly)
    #expect(full.serial == "x-1")
    #expect(full.format == .qcow2)
    #expect(try DiskConfiguration(argument: "readonly").path == "readonly", "the first word is the path")
    #expect(try DiskConfiguration(argument: "a,readonly,b.img").path == "a,readonly,b.img")
  }

  @Test func overlaysAndCaches() throws {
    #expect(try DiskConfiguration(argument: "a,overlay").overlay == .thrownAway)
    let kept = try DiskConfiguration(argument: "a,b.img,overlay=o.qcow2,format=raw,cache=writethrough")
    #expect(kept.path == "a,b.img" && kept.overlay == .kept("o.qcow2") && kept.isWriteThrough && !kept.isDirect)
    let none = try DiskConfiguration(argument: "a,cache=none")
    #expect(none.isDirect && !none.isWriteThrough)
    #expect(try DiskConfiguration(argument: "a,cache=writeback") == DiskConfiguration(path: "a"))
    #expect(try DiskConfiguration(argument: "a,cache=writethrough,direct").description == "a,cache=writethrough,direct")
  }

  @Test(arguments: [
    "a,overlay=", "a,readonly,overlay", "a,overlay=o,readonly", "a,cache=", "a,cache=unsafe",
    "a,aio=threads", "", ",readonly", "a,serial=", "a,serial=123456789012345678901",
    "a,serial=ä", "a,format=vmdk", "a,readnoly", "a,Readonly", "a,readnoly,direct", "a,write-bandwith=1M",
  ])
  func refused(argument: String) {
    #expect(throws: ConfigurationError.self) { try DiskConfiguration(argument: argument) }
  }

  @Test func mistypedOptions() throws {
    #expect(
      throws: ConfigurationError(
        "--disk a.img,readnoly,direct",
        "readnoly is no option, and nothing is called a.img,readnoly; the options are readonly, serial, format, "
          + "overlay, cache, direct, aio and limits")
    ) { try DiskConfiguration(argument: "a.img,readnoly,direct") }
    // A file may be called anything.
    let path = "/tmp/rowhouse-\(getpid()),readnoly"
    _ = try Descriptor.open(path, [.writeOnly, .create])
    // SAFETY: the string outlives the call, which only reads it.
    defer { _ = unsafe Glibc.unlink(path) }
    #expect(try DiskConfiguration(argument: path + ",direct").path == path)
  }

  @Test func argumentsComeBack() throws {
    var configuration = Configuration()
    configuration.kernel = "k"
    configuration.disks = [
      try DiskConfiguration(argument: "a,b.img,serial=s"), try DiskConfiguration(argument: "c,readonly,format=raw"),
      try DiskConfiguration(argument: "d,overlay=e,cache=none"), try DiskConfiguration(argument: "d,overlay"),
      try DiskConfiguration(argument: "f,aio=io_uring"), try DiskConfiguration(argument: "f,direct,aio=none"),
    ]
    configuration.balloonBytes = 128 << 20
    configuration.hasEntropy = true
    #expect(try Configuration(arguments: configuration.arguments) == configuration)
    try configuration.check()
  }

  @Test func whatDoesNotFit() throws {
    var configuration = Configuration()
    configuration.kernel = "k"
    configuration.disks = (0..<16).map { DiskConfiguration(path: "\($0)") }
    try configuration.check()
    configuration.hasEntropy = true
    #expect(throws: ConfigurationError.self) { try configuration.check() }
    configuration.disks = []
    for bytes in [1, configuration.memoryBytes, configuration.memoryBytes + 4096] {
      configuration.balloonBytes = bytes
      #expect(throws: ConfigurationError.self) { try configuration.check() }
    }
    configuration.balloonBytes = 0
    try configuration.check()
    #expect(throws: ConfigurationError.self) { try Configuration(arguments: ["--balloon", "12"]) }
  }
}
