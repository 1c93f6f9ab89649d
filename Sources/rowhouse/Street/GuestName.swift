import Control
import Host
import Machine

/// A guest's name, which is also its folder's.
struct GuestName: Hashable, Comparable, CustomStringConvertible {
  let description: String
  static let mostBytes = FolderFile.mostNameBytes

  init(_ text: String, option: String) throws(ConfigurationError) {
    guard Self.isName(text) else {
      throw ConfigurationError(
        option,
        "a name has up to \(Self.mostBytes) letters, digits, dots, dashes and underscores, a letter or digit first")
    }
    description = text
  }

  /// - Returns: nil for what is no name: what lies on the street besides guests' folders.
  init?(folder: String) {
    guard Self.isName(folder) else { return nil }
    description = folder
  }

  /// A name for who gave none: the kernel's, and four letters or digits by chance.
  init(madeUpFor kernel: String) {
    let file = kernel.split(separator: "/").last ?? ""
    let stem = file.prefix { Self.isInner($0) && $0 != "." }.prefix(32)
    let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
    let chance = String((0..<4).map { _ in alphabet.randomElement()! })
    let text = "\(stem)-\(chance)"
    description = Self.isName(text) ? text : "guest-\(chance)"
  }

  static func < (left: Self, right: Self) -> Bool { left.description < right.description }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.first, first.isASCII, first.isLetter || first.isNumber else { return false }
    return text.utf8.count <= mostBytes && text.allSatisfy(isInner)
  }

  private static func isInner(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
  }
}
