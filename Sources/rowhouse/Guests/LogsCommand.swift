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
      A detached guest has a log, any other one that was started with --console-log. It is kept in two files of that size, \
      so of a guest that has said more only the last is left.
      """)

  @OptionGroup var guest: OneGuest

  @Flag(help: "Go on until the guest has ended.")
  var follow = false

  func run() throws {
    let folder = try guest.guest()
    var (log, output): (LogReader, SharedDescriptor)
    do throws(SystemCallError) {
      log = try LogReader(folder)
      output = SharedDescriptor(try .duplicate(of: STDOUT_FILENO))
    } catch {
      throw ConfigurationError("\(folder.name)", "the guest has no console.log")
    }
    while true {
      // Asked first: what a guest says to the last is in the file before its VMM has ended.
      let isAlive = folder.isAlive
      do throws(SystemCallError) {
        while let piece = try log.read() {
          switch piece {
          case .bytes(let bytes): try output.descriptor.writeAll(bytes)
          case .gap: StandardError.say("\(folder.name): the guest said more here than its log keeps; some is missing")
          }
        }
      } catch {
        throw HostError("\(folder.name): console.log: \(error)")
      }
      guard follow, isAlive else { break }
      usleep(Self.pauseMicroseconds)
    }
  }

  private static let pauseMicroseconds: UInt32 = 50_000
}
