import Foundation
import Testing

/// What shells complete, as they do it: by the script that `rowhouse` prints for them.
@Suite("Shell completion")
struct CompletionTests {
  /// A street with two guests' folders on it, which is all that a name needs.
  private final class Street {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"

    init() throws {
      for name in ["alpha", "almond"] {
        try FileManager.default.createDirectory(
          atPath: "\(path)/rowhouse/\(name)", withIntermediateDirectories: true)
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// What a shell's own script says, a word each.
    func words(_ shell: String, _ script: String) throws -> [Substring] {
      try GuestRunner.run(["env", "XDG_RUNTIME_DIR=\(path)", shell, "-c", script]).split(whereSeparator: \.isWhitespace)
    }
  }

  /// What bash offers when Tab is pressed behind these words, the last of which is being typed.
  private func bash(_ words: [String]) throws -> [Substring] {
    let line = words.map { "'\($0)'" }.joined(separator: " ")
    return try Street().words(
      "bash",
      """
      . <(rowhouse --generate-completion-script bash)
      COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
      $(complete -p rowhouse | sed 's/.*-F \\([^ ]*\\) .*/\\1/') rowhouse "${COMP_WORDS[COMP_CWORD]}" ""
      printf '%s\\n' "${COMPREPLY[@]}"
      """)
  }

  @Test(arguments: ["console", "show", "send", "expect", "logs", "set", "wait", "meter"])
  func bashCompletesAGuest(of command: String) throws {
    #expect(try bash(["rowhouse", command, "al"]).sorted() == ["almond", "alpha"])
    #expect(try bash(["rowhouse", command, "alp"]) == ["alpha"])
    #expect(try bash(["rowhouse", command, "b"]).isEmpty)
  }

  @Test(arguments: ["pause", "resume", "stop", "kill", "remove"])
  func bashCompletesGuests(of command: String) throws {
    #expect(try bash(["rowhouse", command, "alp"]) == ["alpha"])
    #expect(try bash(["rowhouse", command, "alpha", "alm"]) == ["almond"])
  }

  @Test func bashCompletesCommands() throws {
    #expect(try bash(["rowhouse", "sto"]) == ["stop"])
  }

  private static let hasFish = FileManager.default.isExecutableFile(atPath: "/usr/bin/fish")
  private static let hasZsh = FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh")

  @Test(.enabled(if: hasFish, "FISH'S COMPLETION WAS NOT TESTED: there is no fish here"))
  func fishCompletesGuests() throws {
    let script = "rowhouse --generate-completion-script fish | source; complete -C 'rowhouse stop al'"
    #expect(try Street().words("fish", script).sorted() == ["almond", "alpha"])
  }

  @Test(.enabled(if: hasZsh, "ZSH'S COMPLETION WAS NOT READ: there is no zsh here"))
  func zshReadsItsScript() throws {
    #expect(try Street().words("zsh", "rowhouse --generate-completion-script zsh | zsh -n && echo well").contains("well"))
  }
}
