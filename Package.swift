// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built in the Swift 6 language mode with strict memory safety. `make test` also sets
/// `ROWHOUSE_WERROR`, so that no warning survives on `main`, while a newer compiler's new warnings never stop a user's build.
let settings: [SwiftSetting] =
  [.swiftLanguageMode(.v6), .strictMemorySafety()]
  + (Context.environment["ROWHOUSE_WERROR"] == nil ? [] : [.treatAllWarnings(as: .error)])
  // For `make bench-metering` alone: a VMM that meters neither exits nor time nor memory, to compare with.
  + (Context.environment["ROWHOUSE_UNMETERED"] == nil ? [] : [.define("ROWHOUSE_UNMETERED")])

/// A room of the house (see docs/architecture.md): it may import what stands above it in this list, and no more.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of target: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(name: target + "Tests", dependencies: [.init(stringLiteral: target)] + dependencies, swiftSettings: settings)
}

/// For `make fuzz` alone, which builds it with `-sanitize=fuzzer`: nothing else has libFuzzer to link with.
let fuzzer: [Target] =
  Context.environment["ROWHOUSE_FUZZER"] == nil
  ? []
  : [
    .target(name: "CFuzzer", path: "Tests/CFuzzer"),
    .executableTarget(
      name: "fuzzer", dependencies: ["CFuzzer", "FuzzTargets"], path: "Tests/Fuzzer", exclude: ["fuzz"],
      swiftSettings: settings),
  ]

let package = Package(
  name: "rowhouse",
  products: [
    .executable(name: "rowhouse", targets: ["rowhouse"]),
    .executable(name: "rowhouse-vmm", targets: ["rowhouse-vmm"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // For `rowhouse metrics --serve` alone: HTTP is read from whoever connects.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .target(name: "CKVM"),
    .target(name: "CLinux"),
    // Programs for debugging and testing have the runtime in a library, and keep what it does.
    .target(name: "CStartup", cSettings: [.define("ROWHOUSE_STARTUP", .when(configuration: .release))]),
    // The kernel's own way to many requests at once; its library knows the memory barriers of the rings.
    .systemLibrary(name: "CURing", providers: [.apt(["liburing-dev"])]),
    room("Host", ["CLinux", "CURing"]),
    room("GuestMemory", ["Host"]),
    room("KVM", ["CKVM", "Host", "GuestMemory"]),
    room("Metering", ["Host"]),
    room("Control"),
    // A well-kept library rather than an inflate of our own: compressed clusters come from whoever made the image.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    room("DiskImage", ["Host", "CZlib"]),
    room("Devices", ["Host", "GuestMemory", "Metering"]),
    room("Virtio", ["CLinux", "Devices", "DiskImage", "GuestMemory", "Host", "Metering"]),
    room("Boot", ["Host", "GuestMemory"]),
    // Kernels as they are shipped are unpacked by `rowhouse` alone: nothing that parses them is near a guest.
    .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CLZMA", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CXXHash", providers: [.apt(["libxxhash-dev"])]),
    room("Unpacking", ["Boot", "Host", "CZlib", "CLZ4", "CLZMA", "CZstd", "CXXHash"]),
    room("Machine", ["Control", "KVM", "Virtio", "DiskImage", "Devices", "Boot", "Metering", "Host", "GuestMemory"]),
    .executableTarget(
      name: "rowhouse-vmm", dependencies: ["Machine", "Host", "CStartup"], exclude: ["startup.order"],
      swiftSettings: settings),
    .executableTarget(
      name: "rowhouse",
      dependencies: [
        "Machine", "Unpacking", "DiskImage", "Devices", "Metering", "Control", "Host", "CStartup",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: settings),
    tests(of: "Host", ["RefusedCalls"]),
    tests(of: "GuestMemory", ["Host"]),
    tests(of: "Control"),
    tests(of: "DiskImage", ["Host"]),
    tests(of: "Devices", ["Host"]),
    .target(name: "TerminalModel", path: "Tests/TerminalModel", swiftSettings: settings),
    tests(
      of: "rowhouse",
      ["Machine", "DiskImage", "Metering", "Host", "TerminalModel", "MadeUpImages", "RefusedCalls"]),
    tests(of: "Virtio", ["Devices", "DiskImage", "GuestMemory", "Host", "Metering", "RefusedCalls"]),
    tests(
      of: "Machine",
      ["Boot", "Control", "Devices", "DiskImage", "GuestMemory", "Host", "KVM", "Metering", "RefusedCalls", "Virtio"]),
    tests(of: "KVM", ["CKVM"]),
    tests(of: "Unpacking", ["Boot", "Host", "MadeUpImages"]),
    tests(of: "Metering", ["Host"]),
    tests(of: "Boot", ["Host", "GuestMemory", "MadeUpImages"]),
    .target(name: "MadeUpImages", dependencies: ["Boot"], path: "Tests/MadeUpImages", swiftSettings: settings),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Boot", "CLinux", "Control", "Devices", "DiskImage", "GuestMemory", "Host", "MadeUpImages", "Metering",
        "Unpacking", "Virtio",
      ],
      path: "Tests/FuzzTargets", swiftSettings: settings),
    tests(of: "FuzzTargets"),
    .target(name: "CSeccomp", path: "Tests/CSeccomp"),
    .target(
      name: "RefusedCalls", dependencies: ["CSeccomp", "Host"], path: "Tests/RefusedCalls", swiftSettings: settings),
    .target(name: "CountingAllocator", path: "Tests/CountingAllocator"),
    .executableTarget(
      name: "counting-vmm", dependencies: ["Host", "Machine", "CountingAllocator"], path: "Tests/CountingVMM",
      swiftSettings: settings),
    .testTarget(
      name: "IntegrationTests",
      dependencies: ["Control", "Host", "CLinux", "Metering", "RefusedCalls", "TerminalModel"],
      swiftSettings: settings),
  ] + fuzzer
)
