import ArgumentParser
import Glibc
import Host
import Machine

/// `rowhouse logs`: what a detached guest has said on its console.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Prints all that a detached guest has said on its console.",
    discussion: "A guest that was given another --console has no log.")

  @OptionGroup var guest: OneGuest

  @Flag(help: "Go on until the guest has ended.")
  var follow = false

  func run() throws {
    let folder = try guest.guest()
    let (log, output): (SharedDescriptor, SharedDescriptor)
    do throws(SystemCallError) {
      log = SharedDescriptor(try .open(folder.path(of: .log), .readOnly))
      output = SharedDescriptor(try .duplicate(of: STDOUT_FILENO))
    } catch {
      throw ConfigurationError("\(folder.name)", "the guest has no console.log")
    }
    while true {
      // Asked first: what a guest says to the last is in the file before its VMM has ended.
      let isAlive = (try? folder.look().isAlive) ?? false
      do throws(SystemCallError) { try copy(log, to: output) } catch {
        throw HostError("\(folder.name): console.log: \(error)")
      }
      guard follow, isAlive else { return }
      usleep(Self.pauseMicroseconds)
    }
  }

  private static let pauseMicroseconds: UInt32 = 50_000

  /// Copies from where the last call stopped to the end.
  private func copy(_ log: SharedDescriptor, to output: SharedDescriptor) throws(SystemCallError) {
    while true {
      let bytes = try log.descriptor.read(atMost: 64 << 10)
      if bytes.isEmpty { return }
      try output.descriptor.writeAll(bytes)
    }
  }
}
