import DiskImage
import Host
import Machine

/// What every virtual machine monitor is given alike.
struct BenchedGuest {
  /// The guest as `rowhouse-vmm` knows it, in which nothing that can be said is left to a VMM's own choice: not the
  /// command line of Linux, nor the format of disks, nor the addresses of network cards.
  private(set) var configuration: Configuration

  /// What `rowhouse run` is told of unpacking the kernel; nil: nothing.
  let isUnpacked: Bool?

  /// - Parameter configuration: one that was checked.
  /// - Throws: when other VMMs cannot have such a guest, or a file of it cannot be read.
  init(_ configuration: Configuration, isUnpacked: Bool? = nil) throws(ConfigurationError) {
    guard configuration.memoryBytes.isMultiple(of: 1 << 20) else {
      throw ConfigurationError(
        "--memory \(ByteSize.format(configuration.memoryBytes))", "other VMMs take whole MiB: give a multiple of 1M")
    }
    self.configuration = configuration
    self.isUnpacked = isUnpacked
    let usual = try configuration.usualCommandLine()
    if configuration.commandLine == nil { self.configuration.commandLine = usual }
    for index in configuration.disks.indices where configuration.disks[index].format == nil {
      let path = configuration.disks[index].path
      do throws(ImageError) {
        self.configuration.disks[index].format = try ImageFormat(guessing: DiskFile(path: path, writable: false))
      } catch {
        throw ConfigurationError("--disk \(path)", "\(error)")
      }
    }
    for index in configuration.networks.indices {
      let card = configuration.networks[index]
      guard case .tap = card.end else { continue }
      self.configuration.networks[index].mac = card.address(host: HostIdentity.bytes, isListener: false)
    }
  }

  var kernel: String { configuration.kernel }
  var initrd: String? { configuration.initrd }
  /// Nil: none.
  var commandLine: String? { configuration.commandLine }
  var cpus: Int { configuration.cpuCount }
  var memoryBytes: UInt64 { configuration.memoryBytes }
  var mebibytes: UInt64 { memoryBytes >> 20 }

  /// An option of `rowhouse-vmm`, which `rowhouse run` has too.
  struct Option: Equatable {
    let name: String
    let value: String

    /// As `rowhouse run` takes it: what can only be true or not has no value there.
    var words: [String] { name == "--entropy" ? [name] : [name, value] }
  }

  /// All that is asked for but the kernel, what is usual left out.
  var options: [Option] {
    let words = configuration.arguments
    let pairs = stride(from: 0, to: words.count - 1, by: 2).map { Option(name: words[$0], value: words[$0 + 1]) }
    return pairs.filter { $0.name != "--kernel" }
  }

  /// ``otherOptions`` as a person types them.
  var optionTexts: [String] { otherOptions.map { ShellWord.line($0.words) } }

  /// Those that the results have no place of their own for.
  var otherOptions: [Option] {
    options.filter { !["--initrd", "--cmdline", "--cpus", "--memory"].contains($0.name) }
  }
}
