import ArgumentParser
import Foundation
import Testing

@testable import rowhouse

@Suite("Completion")
struct CompletionTests {
  /// The scripts know every command, and bash, which is on every Debian, can read its own.
  @Test func scripts() throws {
    let commands = Rowhouse.configuration.subcommands.compactMap { $0.configuration.commandName }
    #expect(!commands.isEmpty)
    for shell in [CompletionShell.bash, .zsh, .fish] {
      let script = Rowhouse.completionScript(for: shell)
      for command in commands { #expect(script.contains(command), "\(shell): \(command)") }
    }
    let bash = Process()
    let input = Pipe()
    bash.executableURL = URL(filePath: "/bin/bash")
    bash.arguments = ["-n"]
    bash.standardInput = input
    try bash.run()
    input.fileHandleForWriting.write(Data(Rowhouse.completionScript(for: .bash).utf8))
    try input.fileHandleForWriting.close()
    bash.waitUntilExit()
    #expect(bash.terminationStatus == 0)
  }
}
