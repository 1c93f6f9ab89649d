import ArgumentParser
import Glibc
import Machine

/// The person's tool: one subcommand a file.
@main
struct Rowhouse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rowhouse",
    abstract: "Runs guests in houses of their own, on KVM.",
    discussion: "Everything is a process: there is no daemon, and a guest needs no right but to open /dev/kvm.",
    version: "rowhouse 0.1",
    subcommands: [RunCommand.self])

  /// Parses, runs, and turns every error into one line and an exit status, as people and scripts know them from other
  /// tools: 2 for wrong usage, where ArgumentParser's own `main()` has several lines and 64.
  static func main() {
    do {
      try checkSubcommand(CommandLine.arguments.dropFirst().first)
      var command = try parseAsRoot()
      try command.run()
    } catch let error as ConfigurationError {
      leave(saying: "\(error)", 2)
    } catch let error as HostError {
      leave(saying: "\(error)", 1)
    } catch let status as ExitCode {
      Glibc.exit(status.rawValue)
    } catch where exitCode(for: error) == .success {
      print(fullMessage(for: error))
    } catch {
      leave(saying: Self.line(for: error), 2)
    }
  }

  /// ArgumentParser takes a wrong subcommand for an argument that it did not expect.
  private static func checkSubcommand(_ word: String?) throws(ConfigurationError) {
    guard let word, !word.hasPrefix("-") else { return }
    let known = configuration.subcommands.map { $0.configuration.commandName ?? "" } + ["help"]
    guard !known.contains(word) else { return }
    throw ConfigurationError(word, "not a command; there are: \(known.joined(separator: " "))")
  }

  /// The first line of what ArgumentParser says of wrong usage.
  private static func line(for error: any Error) -> String {
    message(for: error).split(separator: "\n").first.map(String.init) ?? "wrong usage; see rowhouse --help"
  }

  private static func leave(saying message: String, _ status: Int32) -> Never {
    StandardError.say(message)
    Glibc.exit(status)
  }
}
