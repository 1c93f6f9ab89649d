import Host
import Machine
import Testing

@testable import rowhouse

@Suite("rowhouse run: options")
struct RunCommandTests {
  private func configuration(_ words: String...) throws -> Configuration {
    try RunCommand.parse(words).makeConfiguration()
  }

  @Test func defaults() throws {
    var expected = Configuration()
    expected.kernel = "vmlinuz"
    #expect(try configuration("vmlinuz") == expected)
  }

  @Test func everyOption() throws {
    let configuration = try configuration(
      "--cpus", "3", "guest.bin", "--memory", "64M", "--initrd", "i", "--module", "m one two", "--module", "n",
      "--boot", "flat", "--load-address", "0x7c00", "--entry", "31746", "--cpu-mask", "avx,smap",
      "--console", "file:out",
      "--console-device", "virtio", "--timeout", "2.5", "--on-reset", "reset", "--cmdline", "a  b")
    var expected = Configuration()
    expected.kernel = "guest.bin"
    expected.cpuCount = 3
    expected.memoryBytes = 64 << 20
    expected.initrd = "i"
    expected.modules = [.init(path: "m", text: "one two"), .init(path: "n")]
    expected.bootProtocol = try Configuration.parseBoot("flat")
    expected.loadAddress = try Configuration.parseAddress("0x7c00", option: "")
    expected.entry = try Configuration.parseAddress("0x7c02", option: "")
    expected.hiddenFeatures = try Configuration.parseFeatures("avx,smap")
    expected.console = .file("out")
    expected.consoleDevice = .virtio
    expected.timeoutNanoseconds = 2_500_000_000
    expected.onReset = .reset
    expected.commandLine = "a  b"
    #expect(configuration == expected)
  }

  @Test func commandLineAfterTheDashes() throws {
    #expect(
      try configuration("k", "--", "console=ttyS0", "--cpus", "7", "-x").commandLine
      == "console=ttyS0 --cpus 7 -x")
    #expect(try configuration("k", "--").commandLine == nil)
    #expect(try configuration("k", "--cmdline", "").commandLine == "")
    #expect(try configuration("k", "--cmdline", "--single -x").commandLine == "--single -x")
  }

  @Test("The words after the dashes may be many, and are the same as one")
  func joinsTheCommandLine() {
    let join = RunCommand.joiningCommandLine
    #expect(join(["run", "k", "--", "a", "", "--b"]) == ["run", "k", "--", "a  --b"])
    for same in [["run", "k"], ["run", "k", "--"], ["run", "k", "--", "a"],
        ["run", "k", "--cmdline", "--", "--cpus", "2"]] {
      #expect(join(same) == same)
    }
  }

  @Test("Thousands of words are no matter of seconds", .timeLimit(.minutes(1)))
  func thousandsOfWords() {
    let start = Instant.now
    let words = ["run", "k", "--memory", "0M", "--"] + (0..<20_000).map(String.init)
    #expect(Rowhouse.perform(words) == .failure("--memory 0M: a guest needs at least 1M", status: 2))
    #expect(Instant.now.nanoseconds(since: start) < 2_000_000_000)
  }

  /// What goes to the VMM is what the person said: the options are the same, and so is what they make.
  @Test func reachesTheVMMUnchanged() throws {
    var generator = SystemRandomNumberGenerator()
    func pick<Value>(_ values: Value...) -> Value { values.randomElement(using: &generator)! }
    for _ in 0..<200 {
      var words = [pick("k", "/a b/c", "-")]
      func maybe(_ option: String, _ values: String...) {
        if Bool.random(using: &generator) { words += [option, values.randomElement(using: &generator)!] }
      }
      maybe("--cpus", "1", "2", "255")
      maybe("--memory", "1M", "1G", "1028K", "4T")
      maybe("--initrd", "i", "with blank", "--odd")
      maybe("--module", "m", "m text", "m  two  blanks ")
      maybe("--module", "n", "o p")
      maybe("--disk", "d.img", "a b,readonly,serial=s,format=qcow2")
      maybe("--disk", "e.img,readonly")
      maybe("--net", "tap=t", "socket=/a b,mac=02:00:00:00:00:0a,mtu=1500")
      maybe("--balloon", "0M", "512K")
      maybe("--cmdline", "", "a b", "-- c", "--cpus 3")
      maybe("--cpu-mask", "avx", "avx,avx2", "nx")
      maybe("--console", "none", "stdio", "pty", "file:a:b", "tcp:127.0.0.1:5000", "tcp:[::1]:0")
      maybe("--console-device", "serial", "virtio")
      maybe("--timeout", "1", "0.001", "12345.678901")
      maybe("--on-reset", "exit", "reset")
      if Bool.random(using: &generator) { words += ["--entropy"] }
      if Bool.random(using: &generator) {
        words += ["--boot", "flat"]
        maybe("--load-address", "0x0", "0xffffffffffffffff", "4096")
        maybe("--entry", "0x10")
      }
      let configuration = try RunCommand.parse(words).makeConfiguration()
      #expect(try Configuration(arguments: configuration.arguments) == configuration, "\(words)")
    }
  }
}
