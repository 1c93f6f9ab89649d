import DiskImage
import Metering

/// A disk of the guest, as a person names it: "PATH[,OPTION]…", where the options are `readonly`, `serial=ID`,
/// `format=raw|qcow2`, `overlay[=PATH]`, `cache=writeback|writethrough|none`, `direct` and `aio=io_uring|none`; and
/// limits, such as `write-bandwidth=20M` (see ``LimitedDevice``).
package struct DiskConfiguration: Equatable, Sendable {
  /// An image of the guest's own for what it writes, so that the one that was named is never written.
  package enum Overlay: Equatable, Sendable {
    /// At this path, where it stays; made when it is not there.
    case kept(String)
    /// Gone when the run has ended, however that ends.
    case thrownAway
  }

  package var path: String
  package var isReadOnly = false
  /// The name that the guest sees, ASCII, at most 20 bytes; nil: none.
  package var serial: String?
  /// Nil: found by looking at the file.
  package var format: ImageFormat?
  package var overlay: Overlay?
  /// Every write is on stable storage before the guest is told that it is done; else when the guest flushes.
  package var isWriteThrough = false
  /// Data goes past the host's page cache.
  package var isDirect = false

  /// How requests reach the host's files.
  package enum AsynchronousIO: String, Sendable {
    /// The kernel works on many at once.
    case uring = "io_uring"
    /// One after the other.
    case none
  }

  /// Nil: by io_uring where the host has it.
  package var asynchronousIO: AsynchronousIO?

  package var limits = RateLimits()

  package init(path: String) { self.path = path }

  /// What is no option belongs to the path, commas too (but see ``MistypedOption``).
  package init(argument: String) throws(ConfigurationError) {
    let option = "--disk \(argument)"
    var words = argument.split(separator: ",", omittingEmptySubsequences: false)
    path = ""
    while words.count > 1, let word = words.last, try set(word, of: option) { words.removeLast() }
    path = words.joined(separator: ",")
    guard !path.isEmpty else { throw ConfigurationError(option, "a disk image's path is needed") }
    try MistypedOption.refuse(in: path, Self.options, of: option)
    try limits.check(.disk, of: option)
    guard overlay == nil || !isReadOnly else {
      throw ConfigurationError(option, "an overlay is there to be written; leave out readonly or overlay")
    }
  }

  private static let options = "readonly, serial, format, overlay, cache, direct, aio and limits"

  /// - Returns: false when the word is no option.
  private mutating func set(_ word: Substring, of option: String) throws(ConfigurationError) -> Bool {
    let (name, value) = word.firstIndex(of: "=").map { (word[..<$0], word[$0...].dropFirst()) } ?? (word, nil)
    switch (name, value) {
    case ("readonly", nil): isReadOnly = true
    case ("direct", nil): isDirect = true
    case ("overlay", nil): overlay = .thrownAway
    case ("overlay", let path?):
      guard !path.isEmpty else {
        throw ConfigurationError(option, "an overlay's path is needed; without the = it is thrown away at the end")
      }
      overlay = .kept(String(path))
    case ("serial", let name?):
      guard !name.isEmpty, name.utf8.count <= 20, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw ConfigurationError(option, "a serial has 1 to 20 letters, digits or signs")
      }
      serial = String(name)
    case ("format", let name?):
      guard let format = ImageFormat(rawValue: String(name)) else {
        throw ConfigurationError(option, "the formats are raw and qcow2")
      }
      self.format = format
    case ("cache", let mode?):
      switch mode {
      case "writeback": isWriteThrough = false
      case "writethrough": isWriteThrough = true
      case "none": (isWriteThrough, isDirect) = (false, true)
      default: throw ConfigurationError(option, "the cache modes are writeback, writethrough and none")
      }
    case ("aio", let way?):
      guard let way = AsynchronousIO(rawValue: String(way)) else {
        throw ConfigurationError(option, "aio is io_uring or none")
      }
      asynchronousIO = way
    default: return try limits.set(word, .disk, of: option)
    }
    return true
  }
}

extension DiskConfiguration: CustomStringConvertible {
  /// What ``init(argument:)`` reads.
  package var description: String {
    var words = [path]
    if isReadOnly { words.append("readonly") }
    if let serial { words.append("serial=" + serial) }
    if let format { words.append("format=" + format.rawValue) }
    switch overlay {
    case .kept(let path): words.append("overlay=" + path)
    case .thrownAway: words.append("overlay")
    case nil: break
    }
    if isWriteThrough { words.append("cache=writethrough") }
    if isDirect { words.append("direct") }
    if let asynchronousIO { words.append("aio=" + asynchronousIO.rawValue) }
    return (words + limits.words(.disk)).joined(separator: ",")
  }
}
