import Host
import Machine
import Metering

/// How much memory the guests of a user may be promised together: the host's, or what of it the control groups of this
/// process let it have, times a factor.
struct MemoryBudget {
  let bytes: UInt64
  /// What sets another factor than 1.
  private let source: String?
  /// The control groups' limit, where that is less than what the host has.
  private let limit: ControlGroupMemory?

  private static let factors: ClosedRange<Double> = 0.01...1000

  /// - Parameter overcommit: what a person has said; nil: as the host is configured, by a file `rowhouse/overcommit` in
  ///   `$XDG_CONFIG_HOME` (`~/.config`) or `/etc` with a number in it.
  init(overcommit: String?) throws {
    if let overcommit {
      self = MemoryBudget(factor: try Self.factor(overcommit, "--overcommit \(overcommit)"), "--overcommit")
    } else if let (text, path) = try Self.configured() {
      self = MemoryBudget(factor: try Self.factor(text, path), path)
    } else {
      self = MemoryBudget(factor: 1, nil)
    }
  }

  init(
    factor: Double, _ source: String?, hostBytes: UInt64 = HostMemory.bytes,
    within limit: ControlGroupMemory? = ControlGroupMemory()
  ) {
    self.limit = limit.flatMap { $0.bytes < hostBytes ? $0 : nil }
    bytes = UInt64(min(Double(self.limit?.bytes ?? hostBytes) * factor, Double(UInt64.max / 2)))
    self.source = source
  }

  /// "by /etc/rowhouse/overcommit within /sys/fs/cgroup/box/memory.max"; nil: it is what the host has.
  var reason: String? {
    let reasons = [source.map { "by \($0)" }, limit.map { "within \($0.path)" }].compactMap { $0 }
    return reasons.isEmpty ? nil : reasons.joined(separator: " ")
  }

  static func factor(_ text: String, _ option: String) throws(ConfigurationError) -> Double {
    guard let factor = Double(text), factors.contains(factor) else {
      throw ConfigurationError(option, "give a factor like 1.5, of the host's memory that guests may be promised")
    }
    return factor
  }

  /// - Throws: where there is such a file and it cannot be read: what it says may be less. A folder in `$HOME` that may not
  ///   even be looked into is another user's, as sudo(8) can leave it, and says nothing of this one's guests.
  private static func configured() throws(ConfigurationError) -> (text: String, path: String)? {
    let own = Environment.folder("XDG_CONFIG_HOME", usually: ".config")
    for folder in [own, "/etc"].compactMap({ $0 }) {
      let path = "\(folder)/rowhouse/overcommit"
      do throws(SystemCallError) {
        let bytes = try Descriptor.open(path, .readOnly).read(atMost: 64)
        return (String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self), path)
      } catch where [.noSuchFile, .notDirectory].contains(error.errno) {
      } catch where error.errno == .permissionDenied && folder == own {
      } catch {
        throw ConfigurationError(path, "the factor that guests' memory is promised by cannot be read: \(error.errno)")
      }
    }
    return nil
  }

  /// Refuses a guest that would be too much, with the arithmetic.
  ///
  /// - Parameter promised: what the guests that run have been promised; nil: that cannot be seen.
  func check(_ memoryBytes: UInt64, promised: UInt64?) throws(ConfigurationError) {
    guard !hasRoom(for: memoryBytes, promised: promised ?? 0) else { return }
    let sum = [promised.map { "\(HumanQuantity.bytes($0)) for the guests that run" }, HumanQuantity.bytes(memoryBytes)]
    let budget = "\(limit == nil ? "the host's" : "the") budget of \(HumanQuantity.bytes(bytes))"
    throw ConfigurationError(
      "--memory \(ByteSize.format(memoryBytes))",
      """
      \(sum.compactMap { $0 }.joined(separator: " + ")) are more than \
      \(([budget, reason].compactMap { $0 }).joined(separator: " ")); \
      give less, \(promised == nil ? "" : "stop a guest, ")or raise it with --overcommit
      """)
  }

  fileprivate func hasRoom(for memoryBytes: UInt64, promised: UInt64) -> Bool {
    memoryBytes <= bytes - min(bytes, promised)
  }
}

extension Street {
  /// Refuses a guest that would be too much beside those that run.
  ///
  /// Every start asks this of every guest. So whether one still runs, which takes most of the time, is asked only where
  /// the budget would not do for all that have a folder.
  func check(_ memoryBytes: UInt64, within budget: MemoryBudget) throws(ConfigurationError) {
    let folders = ((try? names()) ?? []).map(folder)
    let mostPromised = folders.lazy.map { $0.promise ?? $0.promisedMemory ?? 0 }.saturatingSum
    if budget.hasRoom(for: memoryBytes, promised: mostPromised) { return }
    try budget.check(memoryBytes, promised: folders.lazy.map { $0.promisedMemory ?? 0 }.saturatingSum)
  }
}

extension GuestFolder {
  /// What the guest was promised when it was started, in bytes, whether it still runs or not; nil: it was started by
  /// hand.
  var promise: UInt64? { Folder.link(at: path(of: .promised)).flatMap { UInt64($0) } }

  /// In bytes; nil: the guest does not run.
  fileprivate var promisedMemory: UInt64? {
    guard let meter = try? Descriptor.open(path(of: .meter), .readOnly),
      (try? meter.isByteLockedElsewhere(0)) ?? false
    else { return nil }
    return try? promise ?? MeterReading.memoryBytes(of: meter)
  }
}
