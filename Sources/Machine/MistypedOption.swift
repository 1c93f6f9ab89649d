import Host

/// A device is named as "NAME[,OPTION]…". What is left when the options are taken off is the name, commas too, so a
/// mistyped option would become a part of it.
enum MistypedOption {
  /// Refuses a name whose last word looks like an option, unless there is a file of that name.
  ///
  /// - Parameters:
  ///   - options: the names of those that there are.
  ///   - option: what the person has typed.
  static func refuse(in name: some StringProtocol, _ options: String, of option: String) throws(ConfigurationError) {
    guard let comma = name.lastIndex(of: ",") else { return }
    let word = name[comma...].dropFirst().prefix { $0 != "=" }
    guard !word.isEmpty, word.utf8.allSatisfy(isPartOfAName), (try? FileStatus(of: String(name))) == nil else { return }
    throw ConfigurationError(option, "\(word) is no option, and nothing is called \(name); the options are \(options)")
  }

  private static func isPartOfAName(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}
