import Control
import Glibc
import Host
import Machine
import Metering

/// A guest's folder as the tool sees it: the guest may run, have ended, or have lost its VMM.
struct GuestFolder {
  let name: GuestName
  let path: String
  /// The folder itself, open; nil: whatever is at the path.
  private var held: SharedDescriptor?

  init(name: GuestName, path: String) { (self.name, self.path) = (name, path) }

  /// The same folder, which stays the one that is at the path now. A guest that is started later under the same name
  /// gets a new one, so nothing that is meant for this one comes to that.
  func holding() throws(SystemCallError) -> GuestFolder {
    var folder = self
    folder.held = SharedDescriptor(try .open(path, [.readOnly, .directory]))
    return folder
  }

  /// Whether it is still at its path, as far as that can be told.
  var isInPlace: Bool {
    do throws(SystemCallError) {
      let found = try FileIdentity(ofFolder: path)
      return try held.map { held throws(SystemCallError) in try FileIdentity(of: held.descriptor) == found } ?? true
    } catch {
      return ![.noSuchFile, .notDirectory].contains(error.errno)
    }
  }

  func path(of file: FolderFile) -> String {
    "\(held.map { "/proc/self/fd/\($0.number)" } ?? path)/\(file.rawValue)"
  }

  /// What a folder says of its guest.
  struct Look {
    /// Whether a VMM, or who is about to start one, holds the meter's lock.
    let isAlive: Bool
    /// Nil: no VMM has come so far as to fill it, or it is foreign.
    let meter: MeterReading?
    /// Whether there is a meter that is not understood: it is of another version, or damaged.
    var isForeign = false
    /// Whether the VMM was asked, and has not answered in time.
    var isSilent = false
    /// When that was seen.
    let at = Instant.now

    /// How the guest ended; nil while it runs, and when nobody was left to say.
    var verdict: Verdict? { meter.flatMap(Verdict.init) }

    var state: State {
      if !isAlive { return verdict == nil ? .crashed : .ended }
      if isSilent { return .silent }
      switch meter?.state {
      case nil, .starting: return .starting
      case .running: return .running
      case .paused: return .paused
      // The VMM still gives its console's reader the rest.
      case .ended: return .running
      }
    }
  }

  enum State: String, CaseIterable, Encodable {
    case starting, running, paused, ended
    /// The folder cannot be looked into, which says nothing of the guest.
    case unknown
    /// The VMM is there, and gives no answer or takes no samples: it is stopped, or has no CPU.
    case silent
    /// The VMM died without a word: by SIGKILL, or with its host.
    case crashed

    /// Whether there is no VMM any more.
    var isOver: Bool { self == .ended || self == .crashed }
  }

  /// Whether a folder is at its path.
  ///
  /// - Throws: when that cannot be told.
  func isThere() throws(SystemCallError) -> Bool {
    do throws(SystemCallError) { _ = try FileIdentity(ofFolder: path) } catch
      where [.noSuchFile, .notDirectory].contains(error.errno)
    {
      return false
    }
    return true
  }

  /// Whether the guest has not been seen to be over.
  var isAlive: Bool { (try? isOver()) != true }

  /// Whether the guest has ended or crashed, or has gone.
  ///
  /// - Throws: when that cannot be told.
  func isOver() throws(SystemCallError) -> Bool { try lookIfThere()?.state.isOver ?? true }

  /// - Throws: `ENOENT` when the guest has gone; anything else says nothing of it.
  func look() throws(SystemCallError) -> Look {
    let meter: Descriptor
    do throws(SystemCallError) { meter = try .open(path(of: .meter), .readOnly) } catch
      where error.errno == .noSuchFile && isInPlace
    {
      // What is left where somebody has removed files by hand.
      return Look(isAlive: false, meter: nil)
    }
    // First: what a VMM that has gone had to say is all there.
    let isAlive = try meter.isByteLockedElsewhere(0)
    let reading = try MeterReading(of: meter)
    let isForeign = if reading == nil { try MeterReading.isFilled(meter) } else { false }
    return Look(isAlive: isAlive, meter: reading, isForeign: isForeign)
  }

  /// - Returns: nil when the guest has gone.
  /// - Throws: when that cannot be told.
  func lookIfThere() throws(SystemCallError) -> Look? {
    do throws(SystemCallError) { return try look() } catch where error.errno == .noSuchFile { return nil }
  }

  /// The same, in words for a person.
  ///
  /// - Throws: also when the guest has gone.
  func lookOrExplain() throws(HostError) -> Look {
    do throws(SystemCallError) { return try look() } catch { throw unknown(error) }
  }

  /// Says of an error that it is about looking at this guest.
  func unknown(_ error: SystemCallError) -> HostError {
    HostError("\(path): the guest cannot be looked at: \(error.errno)")
  }

  /// What a file of a few bytes says; nil when it is not there.
  func text(of file: FolderFile) -> String? {
    guard let descriptor = try? Descriptor.open(path(of: file), .readOnly),
      let bytes = try? descriptor.read(atMost: 64)
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  func write(_ text: String, to file: FolderFile) throws(SystemCallError) {
    try Descriptor.open(path(of: file), [.writeOnly, .create, .truncate], permissions: 0o600).writeAll(text)
  }

  /// Connects to one of the guest's sockets, also when the path to it is longer than a socket's may be.
  func connect(to file: FolderFile) throws(SystemCallError) -> Descriptor {
    // Its descriptor must be open for the call.
    if held == nil { return try holding().connect(to: file) }
    return try .connect(to: path(of: file))
  }
}
