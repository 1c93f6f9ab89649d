import Foundation
import Testing

/// What shells complete, as they do it: by the script that `rowhouse` prints for them.
@Suite("Shell completion")
struct CompletionTests {
  /// A street with two guests' folders on it, which is all that a name needs.
  private final class Street {
    let path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"

    init() throws {
      // As rowhouse makes them: one into which others may write is none of its.
      for folder in ["", "/rowhouse", "/rowhouse/alpha", "/rowhouse/almond"] {
        try FileManager.default.createDirectory(
          atPath: path + folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
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

  // Fish and zsh complete for a person only, so at a terminal.

  @Test func fishCompletesGuests() throws {
    // It throws away what is typed before its prompt.
    let setup = "rowhouse --generate-completion-script fish | source; function fish_prompt; echo -n 'ready>'; end"
    try expectNames(["fish", "-i", "-C", setup], after: "ready>")
  }

  @Test func zshCompletesGuests() throws {
    try expectNames(
      ["zsh", "-f", "-i"],
      typing: """
        autoload -Uz compinit; compinit -u -D; source <(rowhouse --generate-completion-script zsh)
        compdef _rowhouse rowhouse

        """)
  }

  /// Types the beginning of two names and Tab, and waits for them.
  private func expectNames(_ shell: [String], after prompt: String? = nil, typing setup: String = "") throws {
    let street = try Street()
    let path = "\(GuestRunner.root)/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    let session = try TerminalSession(
      ["/usr/bin/env", "XDG_RUNTIME_DIR=\(street.path)", "HOME=\(street.path)", "TERM=xterm", "PATH=\(path)"] + shell)
    try session.resize(columns: 100, rows: 30)
    if let prompt { try session.expect(prompt) }
    try session.type(setup + "rowhouse stop al")
    try session.expect("stop ")
    try session.type("\t")
    // What the two have in common may be drawn in another way.
    try session.expect("mond")
    try session.expect("pha")
  }
}
