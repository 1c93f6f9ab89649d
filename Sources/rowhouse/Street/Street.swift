import Control
import Glibc
import Host
import Machine

/// Where a user's guests have their folders: `$XDG_RUNTIME_DIR/rowhouse`, for root also `/run/rowhouse`.
///
/// Whoever makes or removes a folder has the street's lock for a few system calls; who only looks needs none.
struct Street {
  let path: String

  /// - Throws: when this user has no place for what lives as long as a session, or shares it with others.
  init() throws(HostError) {
    let runtime = Environment["XDG_RUNTIME_DIR"] ?? ""
    if !runtime.isEmpty, !runtime.hasPrefix("/") {
      throw HostError("XDG_RUNTIME_DIR is \(runtime): it must be the whole path of the folder where your guests are found")
    } else if !runtime.isEmpty {
      path = "\(runtime)/rowhouse"
    } else if geteuid() == 0 {
      path = "/run/rowhouse"
    } else {
      throw HostError("XDG_RUNTIME_DIR is not set: it is the folder where your guests are found")
    }
    try checkOwner()
  }

  init(path: String) { self.path = path }

  /// Who may write here could put a guest in another's place.
  private func checkOwner() throws(HostError) {
    do throws(SystemCallError) {
      if try Folder.isOwn(path) { return }
    } catch where error.errno == .noSuchFile {
      return
    } catch {
      throw HostError("\(path): \(error.errno)")
    }
    throw HostError(
      "\(path): it must be a folder of yours that only you may write to; remove it, or mend it by chown and chmod 700")
  }

  /// Makes the street's own folder where there is none.
  private func make() throws(HostError) {
    do throws(SystemCallError) { try Folder.make(path) } catch where error.errno == .exists {
      try checkOwner()
    } catch {
      throw HostError("\(path): no guest's folder can be made: \(error.errno)")
    }
  }

  func folder(_ name: GuestName) -> GuestFolder { GuestFolder(name: name, path: "\(path)/\(name)") }

  /// The folder of a guest that must be there.
  func guest(_ text: String) throws -> GuestFolder {
    guard let folder = try hold(folder(try GuestName(text, option: text))) else {
      throw ConfigurationError(text, "no guest has that name; `rowhouse list` shows those there are")
    }
    return folder
  }

  /// All guests, by name, as they are now: see ``GuestFolder/holding()``. One whose folder cannot be opened is among
  /// them, for all to see that it cannot be looked at.
  func guests() throws(HostError) -> [GuestFolder] {
    // A folder is held for each, and a command may keep a connection to each.
    ProcessControl.allowManyFiles()
    return try names().map(folder).compactMap { folder in
      do throws(SystemCallError) { return try holdIfThere(folder) } catch { return folder }
    }
  }

  /// - Returns: nil when there is no such guest.
  private func hold(_ folder: GuestFolder) throws(HostError) -> GuestFolder? {
    do throws(SystemCallError) { return try holdIfThere(folder) } catch {
      throw HostError("\(folder.path): \(error.errno)")
    }
  }

  private func holdIfThere(_ folder: GuestFolder) throws(SystemCallError) -> GuestFolder? {
    guard try folder.isThere() else { return nil }
    do throws(SystemCallError) { return try folder.holding() } catch where error.errno == .noSuchFile { return nil }
  }

  /// The names of all that may be guests, sorted.
  func names() throws(HostError) -> [GuestName] {
    do throws(SystemCallError) {
      // What else somebody has put there is no guest.
      return try Folder.names(in: path).compactMap(GuestName.init(folder:)).sorted()
    } catch where error.errno == .noSuchFile {
      return []
    } catch {
      throw HostError("\(path): \(error.errno)")
    }
  }

  /// A name's folder, made for a guest that is about to start.
  struct Claim {
    fileprivate let street: Street
    /// Held.
    let folder: GuestFolder
    /// The guest's meter, locked: while this is open the guest counts as alive.
    let meter: SharedDescriptor
    /// Whether a guest of that name had been there, and its folder was removed for this one.
    let replaced: GuestFolder.State?

    /// Removes the folder, with the guest that it was made for gone, or never started.
    func release() {
      try? street.withLock { () throws(Refusal) in
        // Somebody may have removed it, and another guest taken the name.
        guard folder.isInPlace else { return }
        try street.refusing { () throws(SystemCallError) in try WholeFolder.remove(folder.path) }
      }
    }
  }

  /// Makes the folder of a new guest. Of two who want one name, or the last of the memory, at once, one gets it.
  ///
  /// - Parameters:
  ///   - name: nil: one is made up.
  ///   - memoryBytes: what the guest is promised, out of `budget`.
  func claim(_ name: GuestName?, kernel: String, memoryBytes: UInt64, of budget: MemoryBudget) throws -> Claim {
    try make()
    do throws(Refusal) {
      while true {
        // Perhaps the ledger has to be waited for, which must keep nobody else from the street.
        let old = try name.flatMap { name throws(Refusal) in try settled(name) }
        let claim = try withLock { () throws(Refusal) -> Claim? in
          do throws(ConfigurationError) { try check(memoryBytes, within: budget) } catch { throw .budget(error) }
          return try refusing { () throws(SystemCallError) -> Claim? in
            guard let name else { return try claimSomeName(kernel, memoryBytes) }
            let folder = folder(name)
            // Another may have come or gone since.
            let isAsBefore = if let old { old.guest.isInPlace } else { try !folder.isThere() }
            guard isAsBefore else { return nil }
            if old != nil { try WholeFolder.remove(folder.path) }
            return try make(folder, memoryBytes, replacing: old?.state)
          }
        }
        if let claim { return claim }
      }
    } catch {
      switch error {
      case .budget(let error): throw error
      case .unsettled(let failure):
        throw HostError(
          "--name \(name!): \(failure); the folder of the guest that had the name is kept, "
            + "`rowhouse remove --force \(name!)` gives that up")
      case .host(let error) where error.errno == .exists && name != nil:
        throw (try? folder(name!).isThere()) == false
          ? ConfigurationError("--name \(name!)", "\(folder(name!).path) is in the way, which is no guest's folder")
          : ConfigurationError("--name \(name!)", "a guest of that name is running")
      case .host(let error): throw HostError("\(path): no guest's folder can be made: \(error.errno)")
      }
    }
  }

  /// The guest that had a name, with its books settled; nil: there is none.
  ///
  /// - Throws: `EEXIST` when it runs.
  private func settled(_ name: GuestName) throws(Refusal) -> (guest: GuestFolder, state: GuestFolder.State)? {
    guard let guest = try refusing({ () throws(SystemCallError) in try holdIfThere(folder(name)) }),
      let look = try refusing({ () throws(SystemCallError) in try guest.lookIfThere() })
    else { return nil }
    guard look.state.isOver else { throw .host(SystemCallError("mkdir", .exists)) }
    try settling { () throws(Settlement.Failure) in try guest.settle(look) }
    return (guest, look.state)
  }

  /// Why a folder is neither made nor removed.
  fileprivate enum Refusal: Error {
    case host(SystemCallError)
    /// The host's memory has no room for the guest.
    case budget(ConfigurationError)
    /// What the guest used cannot be written down.
    case unsettled(Settlement.Failure)
  }

  fileprivate func refusing<Result>(_ body: () throws(SystemCallError) -> Result) throws(Refusal) -> Result {
    do throws(SystemCallError) { return try body() } catch { throw .host(error) }
  }

  private func settling(_ body: () throws(Settlement.Failure) -> Void) throws(Refusal) {
    do throws(Settlement.Failure) { try body() } catch { throw .unsettled(error) }
  }

  private func claimSomeName(_ kernel: String, _ memoryBytes: UInt64) throws(SystemCallError) -> Claim {
    while true {
      let folder = folder(GuestName(madeUpFor: kernel))
      do throws(SystemCallError) {
        return try make(folder, memoryBytes, replacing: nil)
      } catch where error.errno == .exists {}
    }
  }

  fileprivate func withLock<Result>(_ body: () throws(Refusal) -> Result) throws(Refusal) -> Result {
    let lock: FolderLock
    do throws(SystemCallError) { lock = try FolderLock(around: "\(path)/") } catch { throw .host(error) }
    let result = try body()
    lock.release()
    return result
  }

  private func make(
    _ folder: GuestFolder, _ memoryBytes: UInt64, replacing old: GuestFolder.State?
  ) throws(SystemCallError) -> Claim {
    let meter = try WholeFolder.make(folder.path) { path throws(SystemCallError) in
      let new = GuestFolder(name: folder.name, path: path)
      let meter = SharedDescriptor(
        try .open(new.path(of: .meter), [.readWrite, .create, .exclusive], permissions: 0o600))
      try meter.descriptor.lockByte(0)
      try Folder.makeLink(new.path(of: .promised), to: String(memoryBytes))
      return meter
    }
    do throws(SystemCallError) {
      return Claim(street: self, folder: try folder.holding(), meter: meter, replaced: old)
    } catch {
      try? WholeFolder.remove(folder.path)
      throw error
    }
  }

  /// Takes away the folder of a guest that is no more.
  ///
  /// - Parameter isDiscarded: whether to take it away also when what the guest used cannot be written down.
  /// - Returns: false, and nothing is done, when the guest lives. One whose folder has gone is no more, whoever has the
  ///   name now.
  func remove(_ folder: GuestFolder, isDiscarded: Bool = false) throws(HostError) -> Bool {
    guard folder.isInPlace else { return true }
    // Who has ended stays so.
    do throws(SystemCallError) { if try !folder.isOver() { return false } } catch { throw folder.unknown(error) }
    do throws(Refusal) {
      // As for a claim, before the street is locked.
      do throws(Settlement.Failure) { try folder.settle() } catch {
        if !isDiscarded { throw Refusal.unsettled(error) }
        StandardError.say("\(error)")
      }
      try withLock { () throws(Refusal) in
        guard folder.isInPlace else { return }
        try refusing { () throws(SystemCallError) in try WholeFolder.remove(folder.path) }
      }
      return true
    } catch {
      switch error {
      case .host(let error) where error.errno == .noSuchFile: return true
      case .host(let error): throw HostError("\(folder.path): it cannot be removed: \(error.errno)")
      case .unsettled(let failure):
        throw HostError("\(folder.name): \(failure); its folder is kept, `rowhouse remove --force` gives that up")
      // A removal asks for no memory.
      case .budget(let error): throw HostError("\(error)")
      }
    }
  }
}
