import Machine

/// What a boot is measured to, by `--until`: nothing is waited for beyond it.
enum BootGoal {
  case initReached
  case marker(ConsolePattern)
  case exit

  init(_ text: String) throws(ConfigurationError) {
    let option = "--until \(text)"
    switch text {
    case "init": self = .initReached
    case "login": self = .marker(try ConsolePattern(ConsolePattern.login))
    case "exit": self = .exit
    case _ where text.hasPrefix("marker:") && text.count > 7:
      self = .marker(try ConsolePattern(String(text.dropFirst(7))))
    default: throw ConfigurationError(option, "it is init, login, marker:REGEX or exit")
    }
  }

  /// Why a run does not count that never came to it.
  var miss: String {
    switch self {
    case .initReached: "nothing told that init was reached, no mark and no line of the console"
    case .marker: "the console never said what --until waits for"
    case .exit: "its end was not seen"
    }
  }

  /// The moment that it is.
  var moment: BootMoment {
    switch self {
    case .initReached: .initReached
    case .marker: .marker
    case .exit: .exit
    }
  }
}
