import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse logs`: what a guest has said on its console.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Prints what a guest has said on its console, as far as it is kept.",
    discussion: """
      A detached guest has a log, any other one that was started with --console-log. It is kept in two files of that \
      size, so of a guest that has said more only the last is left. It is printed byte for byte; on a terminal without what \
      the terminal would answer, which would be typed into your shell.
      """)

  @OptionGroup var guest: OneGuest

  @Flag(help: "Go on until the guest has ended.")
  var follow = false

  @Option(parsing: .unconditional, help: ArgumentHelp("Begin with the last so many lines.", valueName: "lines"))
  var tail: String?

  func run() throws {
    var last = try tail.map { text throws(ConfigurationError) in
      guard let count = Int(text), count >= 0 else {
        throw ConfigurationError("--tail \(text)", "give a number of lines")
      }
      return LastLines(count)
    }
    let folder = try guest.guest()
    var log = try folder.reading { () throws(SystemCallError) in try LogReader(folder) }
    var words = try GuestWords()
    while true {
      // Asked first: what a guest says to the last is in the file before its VMM has ended.
      let isAlive = folder.isAlive
      while let piece = try folder.reading({ () throws(SystemCallError) in try log.read() }) {
        switch piece {
        case .bytes(let bytes) where last != nil: last?.append(bytes)
        case .bytes(let bytes): try words.write(bytes)
        case .gap where last != nil: break
        case .gap:
          StandardError.say(
            "\(folder.name): its log went on without this reader; some of what the guest said may be missing here")
        }
      }
      if let lines = last?.bytes { try words.write(lines) }
      last = nil
      guard follow, isAlive else { break }
      usleep(Self.pauseMicroseconds)
    }
    try words.end()
  }

  private static let pauseMicroseconds: UInt32 = 50_000
}

extension GuestFolder {
  /// Runs what reads the guest's log, and explains when that cannot be read.
  fileprivate func reading<Result>(_ body: () throws(SystemCallError) -> Result) throws -> Result {
    do throws(SystemCallError) { return try body() } catch where error.errno == .noSuchFile {
      throw ConfigurationError("\(name)", "the guest has no console.log")
    } catch {
      throw HostError("\(name): console.log: \(error.errno)")
    }
  }
}
