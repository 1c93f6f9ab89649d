import Host

/// What a guest's output has made of the terminal that shows it, as far as whoever uses that next would suffer: the
/// alternate screen, a hidden cursor, reports of the mouse, colours.
///
/// Sequences: ECMA-48, section 8.3; DEC's private modes and xterm's own: xterm's ctlseqs. Only what the guest has
/// changed is ever undone, so a terminal that understands no sequences gets none.
package struct ScreenState {
  /// What may be other than on a terminal that a shell is used to.
  private enum Setting: Equatable {
    /// One of DEC's private modes.
    case mode(Int)
    /// The scrolling region (DECSTBM).
    case region
    /// The keypad's mode (DECKPAM), whether characters are inserted (IRM), colours and the like (SGR), the character
    /// set (SCS), the cursor's shape (DECSCUSR), how keys with modifiers are sent (xterm's modifyOtherKeys).
    case keypad, insertion, colours, characters, shape, modifiers

    /// What makes it usual again.
    var undoing: String {
      switch self {
      case .mode(let number): "\u{1b}[?\(number)\(ScreenState.modesUsuallyOn.contains(number) ? "h" : "l")"
      // Setting a region moves the cursor (DECSC and DECRC keep it).
      case .region: "\u{1b}7\u{1b}[r\u{1b}8"
      case .keypad: "\u{1b}>"
      case .insertion: "\u{1b}[4l"
      case .colours: "\u{1b}[0m"
      case .characters: "\u{1b}(B"
      case .shape: "\u{1b}[0 q"
      case .modifiers: "\u{1b}[>4m"
      }
    }

    /// What makes it again what it was in between; nil: nobody has kept that.
    var redoing: String? {
      switch self {
      case .mode(let number): "\u{1b}[?\(number)\(ScreenState.modesUsuallyOn.contains(number) ? "l" : "h")"
      case .keypad: "\u{1b}="
      case .insertion: "\u{1b}[4h"
      case .region, .colours, .characters, .shape, .modifiers: nil
      }
    }
  }

  /// The alternate screen, with and without the cursor's place being kept.
  private static let alternateScreens = [1049, 1047, 47]
  /// Wrapping at the right end, the cursor.
  private static let modesUsuallyOn = [7, 25]
  /// Cursor keys (DECCKM), reverse screen (DECSCNM), keypad (DECNKM), reports of the mouse and how they are written, of
  /// the focus, marks around what is pasted.
  private static let modesUsuallyOff = [1, 5, 66, 9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004]

  /// In the order in which they are undone. The old screen comes first, as colours come back with it.
  private static let settings: [Setting] =
    (alternateScreens + modesUsuallyOn + modesUsuallyOff).map(Setting.mode)
    + [.region, .keypad, .insertion, .colours, .characters, .shape, .modifiers]

  /// A bit for each of ``settings`` that is not as usual.
  private var changed: UInt32 = 0
  private static let alternate: UInt32 = 0b111

  /// The last two bytes of text: where on its line the cursor is.
  private var place = Self.lineStart
  private static let lineStart = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
  /// That on the ordinary screen while another is shown.
  private var placeBeneath = Self.lineStart

  /// Of a sequence that has not ended.
  private var begun: [UInt8] = []
  /// In bytes; the longer ones are strings, which change nothing of this.
  private static let most = 1024

  package init() {}

  /// Takes the next of what the terminal is given, which may be cut anywhere.
  package mutating func note(_ bytes: [UInt8]) {
    let bytes = begun + bytes
    var next = self
    let end = ControlSequence.scan(bytes) { place, sequence in
      if let sequence { next.obey(sequence) } else { next.read(bytes[place]) }
    }
    self = next
    begun = bytes.count - end > Self.most ? [] : Array(bytes[end...])
  }

  private mutating func read(_ text: ArraySlice<UInt8>) {
    for byte in text.suffix(2) { place = (place.1, byte) }
  }

  /// What goes before a line so that it begins on one of its own.
  ///
  /// - Parameter returns: whether the terminal, or who writes to it, goes to the line's start at each line feed.
  package func lineBreak(returningAtLineFeed returns: Bool = false) -> String {
    if place.1 != Self.lineStart.1 { return "\r\n" }
    return returns || place.0 == Self.lineStart.0 ? "" : "\r"
  }

  /// Makes all as usual, with the cursor at the start of a line.
  ///
  /// - Parameter returns: see ``lineBreak(returningAtLineFeed:)``.
  /// - Returns: what the terminal is to be given for that; empty when nothing is.
  package mutating func undo(returningAtLineFeed returns: Bool = false) -> [UInt8] {
    if changed & Self.alternate != 0 { place = placeBeneath }
    let text = changedSettings.map(\.undoing).joined() + lineBreak(returningAtLineFeed: returns)
    self = ScreenState()
    return Array(text.utf8)
  }

  /// What a terminal is to be given on which all was undone meanwhile.
  package var redoing: [UInt8] { Array(changedSettings.compactMap(\.redoing).joined().utf8) }

  /// What is given a terminal that another has changed who can say no more how: it makes all as usual that can be made
  /// so without harm. The cursor's place on the ordinary screen is left alone.
  package static var undoingAll: [UInt8] {
    Array(settings.filter { $0 != .mode(1049) }.map(\.undoing).joined().utf8)
  }

  private var changedSettings: [Setting] {
    Self.settings.indices.filter { changed >> $0 & 1 == 1 }.map { Self.settings[$0] }
  }

  private mutating func set(_ setting: Setting, isUsual: Bool) {
    guard let index = Self.settings.firstIndex(of: setting) else { return }
    changed = isUsual ? changed & ~(1 << index) : changed | 1 << index
  }

  private mutating func obey(_ sequence: ControlSequence) {
    guard let final = sequence.final else { return }
    let content = sequence.text
    switch (sequence.introducer, final) {
    case (UInt8(ascii: "["), _): obeyControl(content, final)
    case (UInt8(ascii: "("), _): set(.characters, isUsual: final == UInt8(ascii: "B"))
    case (UInt8(ascii: "="), _): set(.keypad, isUsual: false)
    case (UInt8(ascii: ">"), _): set(.keypad, isUsual: true)
    // RIS. Not every terminal goes back to its ordinary screen.
    case (UInt8(ascii: "c"), _): changed &= Self.alternate
    default: break
    }
  }

  private mutating func obeyControl(_ content: String, _ final: UInt8) {
    switch (content.first, final) {
    case ("?", UInt8(ascii: "h")), ("?", UInt8(ascii: "l")):
      for number in content.dropFirst().split(separator: ";").compactMap({ Int($0) }) {
        setMode(number, final == UInt8(ascii: "h"))
      }
    case ("?", _): break
    case (_, UInt8(ascii: "h")), (_, UInt8(ascii: "l")):
      if content == "4" { set(.insertion, isUsual: final == UInt8(ascii: "l")) }
    case (">", UInt8(ascii: "m")): set(.modifiers, isUsual: [">", ">4", ">4;0"].contains(content))
    case (_, UInt8(ascii: "m")): set(.colours, isUsual: content.allSatisfy { "0;".contains($0) })
    case (_, UInt8(ascii: "r")): set(.region, isUsual: content.isEmpty)
    case (_, UInt8(ascii: "q")):
      if content.last == " " { set(.shape, isUsual: [" ", "0 "].contains(content)) }
    // The cursor goes elsewhere: up to CHA and CUP, HVP, HPA, VPA.
    case (_, UInt8(ascii: "A")...UInt8(ascii: "H")), (_, UInt8(ascii: "f")), (_, UInt8(ascii: "`")),
      (_, UInt8(ascii: "d")):
      place = (0, 0)
    default: break
    }
  }

  private mutating func setMode(_ number: Int, _ isOn: Bool) {
    guard Self.alternateScreens.contains(number) else {
      return set(.mode(number), isUsual: isOn == Self.modesUsuallyOn.contains(number))
    }
    let wasAlternate = changed & Self.alternate != 0
    // Whichever way it goes back, it is gone.
    changed &= ~Self.alternate
    if isOn { set(.mode(number), isUsual: false) }
    if isOn, !wasAlternate { placeBeneath = place }
    if !isOn, wasAlternate { place = placeBeneath }
  }
}
