import Boot
import GuestMemory
import KVM
import Testing

@testable import Machine

@Suite struct ByteSizeTests {
  @Test(arguments: [
    ("64K", 65536), ("64k", 65536), ("1M", 1 << 20), ("512MiB", 512 << 20), ("512MB", 512 << 20), ("512mib", 512 << 20),
    ("2G", 2 << 30), ("3T", 3 << 40), ("0M", 0), ("16777215T", 16_777_215 << 40), ("007M", 7 << 20),
  ] as [(String, UInt64)])
  func sizes(_ text: String, _ bytes: UInt64) { #expect(ByteSize.parse(text) == bytes) }

  @Test(arguments: [
    "", "M", "512", "512B", "512iB", "1.5G", "-1M", "+1M", " 1M", "1M ", "1 M", "1MM", "1Q", "0x10M", "1MiBB",
    "16777216T", "99999999999999999999K", "٣M", "1\u{301}M",
  ])
  func noSizes(_ text: String) { #expect(ByteSize.parse(text) == nil) }

  @Test func formattedAndReadAgain() {
    #expect(ByteSize.format(536_870_912) == "512M")
    #expect(ByteSize.format(3 << 30) == "3G")
    #expect(ByteSize.format((1 << 30) + 1024) == "1048577K")
    #expect(ByteSize.format(0) == "0M")
    for shift in 10...62 as ClosedRange<UInt64> {
      for bytes in [1 << shift, 3 << (shift - 1), (1 << shift) - 1024] as [UInt64] where bytes % 1024 == 0 {
        #expect(ByteSize.parse(ByteSize.format(bytes)) == bytes)
      }
    }
  }
}

@Suite struct ConfigurationTests {
  @Test("A configuration survives being made arguments and read again")
  func roundTrip() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let configuration = Self.randomConfiguration(&random)
      let arguments = configuration.arguments
      #expect(try Configuration(arguments: arguments) == configuration, "\(arguments)")
      #expect(arguments.count % 2 == 0)
    }
  }

  @Test func defaultsAreLeftOut() {
    var configuration = Configuration()
    configuration.kernel = "k"
    #expect(configuration.arguments == ["--kernel", "k"])
  }

  private static func randomConfiguration(_ random: inout SystemRandomNumberGenerator) -> Configuration {
    func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
    let texts = ["a", "a b", "--kernel", "ä=ü", "\"quoted\"", "with\nline", "", " ", "-", "x=1,2"]
    func text() -> String { texts.randomElement(using: &random)! }
    var configuration = Configuration()
    configuration.kernel = text()
    configuration.unpackedKernel = maybe(text())
    configuration.memoryLimitBytes = maybe(1024 * .random(in: 0...999_999, using: &random))
    configuration.cpuAllotment.quotaBasisPoints = maybe(.random(in: 0...99_999, using: &random))
    configuration.cpuAllotment.weight = maybe(.random(in: 1...10_000, using: &random))
    configuration.controlGroup = maybe(text())
    configuration.cpuAllotment.periodNanoseconds = 1000 * .random(in: 0...2_000_000, using: &random)
    configuration.cpuAllotment.burstNanoseconds = 1000 * .random(in: 0...2, using: &random)
    configuration.cpuAllotment.pinnedCPUs = (0..<Int.random(in: 0...3, using: &random)).map { 2 * $0 }
    configuration.bootProtocol = maybe(BootProtocol.allCases.randomElement(using: &random)!)
    configuration.loadAddress = maybe(GuestAddress(.random(in: 0 ... .max, using: &random)))
    configuration.entry = maybe(GuestAddress(.random(in: 0 ... .max, using: &random)))
    configuration.initrd = maybe(text())
    configuration.modules = (0..<Int.random(in: 0...3, using: &random)).map { number in
      .init(path: "path\(number)", text: ["", "text", "more text", "--x"].randomElement(using: &random)!)
    }
    configuration.commandLine = maybe(text())
    configuration.cpuCount = Int.random(in: 1...300, using: &random)
    configuration.memoryBytes = UInt64.random(in: 256...1 << 30, using: &random) * 4096
    let hidden = Int.random(in: 0...4, using: &random)
    configuration.hiddenFeatures = Array(CPUFeature.all.shuffled(using: &random).prefix(hidden))
    configuration.console =
      [.standard, .none, .pseudoTerminal, .file("a file"), .file("pty")].randomElement(using: &random)!
    configuration.consoleDevice = Configuration.ConsoleDevice.allCases.randomElement(using: &random)!
    // To the nanosecond as long as a Double has that many digits: for three months.
    configuration.timeoutNanoseconds = maybe(UInt64.random(in: 1...1 << 50, using: &random))
    configuration.onReset = Configuration.OnReset.allCases.randomElement(using: &random)!
    configuration.meter = maybe(text())
    configuration.exitProfile = maybe(text())
    configuration.endsWithParent = .random(using: &random)
    return configuration
  }

  @Test("What cannot be read is refused, naming the option", arguments: [
    (["--boot", "uefi"], "--boot uefi"), (["--boot", ""], "--boot "), (["--load-address", "x"], "--load-address x"),
    (["--load-address", "0x"], "--load-address 0x"), (["--load-address", "-1"], "--load-address -1"),
    (["--load-address", "0x10000000000000000"], "--load-address 0x10000000000000000"), (["--entry", ""], "--entry "),
    (["--cpus", ""], "--cpus "), (["--cpus", "1.5"], "--cpus 1.5"), (["--cpus", "0x2"], "--cpus 0x2"),
    (["--memory", "512"], "--memory 512"), (["--memory", "much"], "--memory much"),
    (["--cpu-mask", "avx,nonsense"], "--cpu-mask nonsense"), (["--console", "stdout"], "--console stdout"),
    (["--console", "file:"], "--console file:"), (["--console", ""], "--console "),
    (["--console-device", "hvc0"], "--console-device hvc0"),
    (["--timeout", "nan"], "--timeout nan"), (["--timeout", "inf"], "--timeout inf"),
    (["--timeout", "-1"], "--timeout -1"), (["--timeout", "1e300"], "--timeout 1e300"),
    (["--timeout", ""], "--timeout "),
    (["--on-reset", "maybe"], "--on-reset maybe"), (["--end-with-parent", "1"], "--end-with-parent 1"),
    (["--colour", "blue"], "--colour"), (["kernel"], "kernel"), (["-k", "x"], "-k"), (["--", "x"], "--"), ([""], ""),
    (["--kernel"], "--kernel"), (["--kernel", "k", "--memory"], "--memory"), (["--KERNEL", "k"], "--KERNEL"),
  ])
  func unreadable(_ arguments: [String], _ subject: String) {
    let error = #expect(throws: ConfigurationError.self) { try Configuration(arguments: arguments) }
    #expect(error?.subject == subject)
    #expect(error?.reason.isEmpty == false && error?.description.contains("\n") == false)
  }

  @Test("What makes no sense together or at all is refused, naming the option", arguments: [
    (["--kernel", ""], "--kernel"), ([], "--kernel"), (["--cpus", "0"], "--cpus 0"), (["--cpus", "-3"], "--cpus -3"),
    (["--memory", "0M"], "--memory 0M"), (["--memory", "1023K"], "--memory 1023K"), (["--memory", "5K"], "--memory 5K"),
    (["--memory", "1020K"], "--memory 1020K"), (["--memory", "5T"], "--memory 5T"),
    (["--memory", "1048577K"], "--memory 1048577K"), (["--load-address", "1"], "--load-address"),
    (["--entry", "1"], "--entry"), (["--boot", "pvh", "--entry", "1"], "--entry"),
    (["--timeout", "0"], "--timeout 0"), (["--initrd", ""], "--initrd"),
    (["--module", ""], "--module"),
  ])
  func unsound(_ arguments: [String], _ subject: String) throws {
    let kernel = arguments.first == "--kernel" || arguments.isEmpty ? [] : ["--kernel", "k"]
    let configuration = try Configuration(arguments: kernel + arguments)
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    #expect(error?.subject == subject)
  }

  @Test(arguments: [
    ["--cpus", "1"], ["--cpus", "4096"], ["--memory", "1M"], ["--memory", "4T"], ["--memory", "1028K"],
    ["--boot", "flat", "--load-address", "0x7c00", "--entry", "31744"], ["--timeout", "0.000000001"],
  ])
  func sound(_ arguments: [String]) throws { try Configuration(arguments: ["--kernel", "k"] + arguments).check() }

  @Test func modules() {
    #expect(Configuration.Module(argument: "path") == .init(path: "path"))
    let module = Configuration.Module(argument: "path text  with  blanks")
    #expect(module == .init(path: "path", text: "text  with  blanks"))
  }
}
