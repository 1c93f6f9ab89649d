import ArgumentParser
import Control
import Machine

/// `rowhouse set`: changes what a running guest may use.
struct SetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Changes what a running guest may use.",
    discussion: """
      Settings:
        memory=SIZE   what the guest keeps of its memory; its balloon takes the rest (needs run --balloon)
      """)

  @OptionGroup var guest: OneGuest

  @Argument(help: ArgumentHelp("What to change.", valueName: "key=value"))
  var settings: [String]

  func run() throws {
    let folder = try guest.guest()
    // All are read before one is sent.
    for (words, request) in try settings.map({ ($0, try request($0, folder)) }) { try folder.ask(request, words) }
  }

  private func request(_ setting: String, _ folder: GuestFolder) throws -> ControlRequest {
    let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, parts[0] == "memory" else {
      throw ConfigurationError(setting, "no such setting; there is memory=SIZE")
    }
    guard let bytes = ByteSize.parse(parts[1]), bytes.isMultiple(of: Configuration.pageBytes) else {
      throw ConfigurationError(setting, "give a size like 128M, a multiple of 4K")
    }
    guard let whole = try? folder.look().meter?.memoryBytes else {
      throw ConfigurationError("\(folder.name)", "the guest is not running")
    }
    guard bytes > 0, bytes <= whole else {
      throw ConfigurationError(setting, "the guest has \(ByteSize.format(whole)): give a size above 0, and no more")
    }
    return .balloon(target: whole - bytes)
  }
}
