/// Finds in what a person types the keys that are meant for `rowhouse` and not for the guest: Ctrl-A and one more.
///
/// It is a plain state machine over bytes, so it does not matter how the terminal cuts them into reads.
struct EscapeKeys {
  enum Command: Equatable, CaseIterable {
    /// Ctrl-A x
    case end
    /// Ctrl-A d
    case detach
    /// Ctrl-A w
    case takeOver
    /// Ctrl-A r
    case tellSize
    /// Ctrl-A h, Ctrl-A ?
    case help

    fileprivate var keys: String {
      switch self {
      case .end: "x"
      case .detach: "d"
      case .takeOver: "w"
      case .tellSize: "r"
      case .help: "h?"
      }
    }

    fileprivate var help: String {
      switch self {
      case .end: "Ctrl-A x ends the guest"
      case .detach: "Ctrl-A d detaches"
      case .takeOver: "Ctrl-A w takes over writing"
      case .tellSize: "Ctrl-A r types the window's size for a shell"
      case .help: "Ctrl-A h shows this"
      }
    }
  }

  static let escape: UInt8 = 0x01
  private let commands: [Command]
  private var isEscaped = false

  /// - Parameter commands: those that there are, besides help.
  init(_ commands: [Command]) { self.commands = commands + [.help] }

  /// A line for a person about each.
  var help: [String] {
    var texts = commands.map(\.help)
    texts.insert("Ctrl-A Ctrl-A (or a) sends the guest a Ctrl-A", at: texts.count - 1)
    return texts
  }

  /// Takes the next key.
  ///
  /// - Parameter output: gets the bytes that are for the guest.
  mutating func feed(_ key: UInt8, into output: inout [UInt8]) -> Command? {
    guard isEscaped else {
      isEscaped = key == Self.escape
      if !isEscaped { output.append(key) }
      return nil
    }
    isEscaped = false
    if key == Self.escape || key == UInt8(ascii: "a") {
      output.append(Self.escape)
      return nil
    }
    if let command = commands.first(where: { $0.keys.utf8.contains(key) }) { return command }
    output += [Self.escape, key]
    return nil
  }
}
