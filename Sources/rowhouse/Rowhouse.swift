import ArgumentParser
import DiskImage
import Glibc
import Machine
import Unpacking

/// The person's tool: one subcommand a file.
@main
struct Rowhouse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rowhouse",
    abstract: "Runs guests in houses of their own, on KVM.",
    discussion: "Everything is a process: there is no daemon, and a guest needs no right but to open /dev/kvm.",
    version: "rowhouse 0.1",
    subcommands: [
      RunCommand.self, ListCommand.self, ShowCommand.self, ConsoleCommand.self, SendCommand.self, ExpectCommand.self,
      LogsCommand.self, SetCommand.self, PauseCommand.self, ResumeCommand.self, StopCommand.self, KillCommand.self,
      WaitCommand.self, RemoveCommand.self, MeterCommand.self, TopCommand.self, HostCommand.self,
      BillCommand.self, MetricsCommand.self, BenchCommand.self, DiskCommand.self,
    ])

  /// What is left when a command is done.
  enum Farewell: Equatable {
    /// What was asked for, on standard output.
    case answer(String)
    /// One line on standard error, and the exit status.
    case failure(String, status: Int32)
    case status(Int32)
  }

  static func main() {
    // Before anything is opened.
    StandardDescriptors.ensureOpen()
    switch perform(Array(CommandLine.arguments.dropFirst())) {
    case .answer(let text):
      print(text)
      leave(0)
    case .failure(let line, let status):
      StandardError.say(line)
      Glibc.exit(status)
    case .status(let status): leave(status)
    }
  }

  /// Ends the program. A command that has succeeded has not when what it printed could not be written.
  private static func leave(_ status: Int32) -> Never {
    do throws(HostError) { try StandardOutput.flush() } catch {
      StandardError.say("\(error)")
      Glibc.exit(status == 0 ? 1 : status)
    }
    Glibc.exit(status)
  }

  /// Parses and runs a command. Errors become one line and an exit status, as people and scripts know them from other
  /// tools: 2 for wrong usage, where ArgumentParser's own `main()` has several lines and 64.
  static func perform(_ arguments: [String]) -> Farewell {
    do {
      var command = try parse(arguments)
      try command.run()
      return .status(0)
    } catch let error as ConfigurationError {
      return .failure("\(error)", status: 2)
    } catch let error as ImageError {
      return .failure("\(error)", status: 2)
    } catch let error as UnpackingError {
      return .failure("\(error)", status: error.isOfTheHost ? 1 : 2)
    } catch let error as HostError {
      return .failure("\(error)", status: 1)
    } catch let code as ExitCode {
      return .status(code.rawValue)
    } catch where exitCode(for: error) == .success {
      return .answer(fullMessage(for: error))
    } catch {
      return .failure(line(for: error), status: 2)
    }
  }

  /// ArgumentParser's way through the whole tree of commands, but for two things: it would take a wrong subcommand for
  /// an argument that it did not expect; and a right one that is right in all its words is parsed alone, which saves a
  /// fifth of the start-up time.
  private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    let isRun = arguments.first == RunCommand.configuration.commandName
    let arguments = isRun ? RunCommand.joiningCommandLine(arguments) : arguments
    var type: any ParsableCommand.Type = Self.self
    var rest = arguments[...]
    while let word = rest.first, !word.hasPrefix("-"), !type.configuration.subcommands.isEmpty {
      let path = arguments[...rest.startIndex].joined(separator: " ")
      // At the root only, where ArgumentParser adds it.
      if path == "help" { break }
      let commands = type.configuration.subcommands
      guard let command = commands.first(where: { $0.configuration.commandName == word }) else {
        let known = commands.compactMap { $0.configuration.commandName } + (type == Self.self ? ["help"] : [])
        throw ConfigurationError(path, "not a command; there are: \(known.joined(separator: ", "))")
      }
      type = command
      rest = rest.dropFirst()
    }
    if type.configuration.subcommands.isEmpty, let parsed = try? type.parse(Array(rest)) { return parsed }
    return try parseAsRoot(arguments)
  }

  /// The first line of what ArgumentParser says of wrong usage; it starts like every other line of ours.
  private static func line(for error: any Error) -> String {
    let line = message(for: error).prefix { $0 != "\n" }
    return line.prefix(1).lowercased() + line.dropFirst()
  }
}
