import Glibc
import Host
import Unpacking

/// Where `rowhouse run` has its guests, its ledger and the kernels that it has unpacked while it is measured: a place
/// of its own, so that neither the person's ledger and cache nor what `rowhouse list` shows gets the runs of a
/// benchmark.
///
/// It lies beside the person's, on the same file systems, so that a run costs what it costs there.
struct BenchedStreet {
  private struct Place {
    let variable: String
    let before: String?
    let folder: String
  }

  private let places: [Place]

  /// Shows the place to all programs that this process starts, until ``close()``.
  ///
  /// - Parameter vmms: those that are measured; others than `rowhouse run` need no place.
  init(for vmms: [BenchedVMM]) {
    var places: [Place] = []
    if vmms.contains(.rowhouseRun) {
      // Who has no such place runs guests without one.
      for (variable, path) in [
        ("XDG_RUNTIME_DIR", (try? Street())?.path), ("XDG_STATE_HOME", Ledger()?.path.parentFolder),
        ("XDG_CACHE_HOME", KernelCache()?.path.parentFolder),
      ] {
        guard let path else { continue }
        Self.removeRemains(beside: path)
        let folder = "\(path)-bench-\(getpid())"
        places.append(Place(variable: variable, before: Environment[variable], folder: folder))
      }
    }
    self.places = places
    for place in places {
      // Where it cannot be made, each run makes it, or says why not, as it would of the person's own.
      try? Folder.make(place.folder)
      Environment.set(place.variable, to: place.folder)
    }
  }

  /// Takes the place away, with what guests that were killed at their goal have left there.
  func close() {
    for place in places {
      Environment.set(place.variable, to: place.before)
      Self.remove(place.folder)
    }
  }

  private static func remove(_ folder: String) {
    let street = "\(folder)/rowhouse"
    for name in (try? Folder.names(in: street)) ?? [] { removeOwn("\(street)/\(name)") }
    removeOwn(street)
    removeOwn(folder)
  }

  /// Never what a link leads to.
  private static func removeOwn(_ folder: String) {
    if (try? Folder.isOwn(folder)) == true { try? Folder.remove(folder) }
  }

  /// Takes away what benchmarks that were killed have left beside a place of the person's.
  ///
  /// A number that is another process's by now keeps its folder until a later benchmark.
  static func removeRemains(beside path: String) {
    let parent = path.parentFolder
    // Into one that others may write to they could put anything under such a name, while it is looked at.
    guard (try? Folder.isOwn(parent)) == true else { return }
    let beginning = "\(path)-bench-"
    for name in (try? Folder.names(in: parent)) ?? [] {
      let folder = "\(parent)/\(name)"
      guard folder.hasPrefix(beginning), let process = Int32(folder.dropFirst(beginning.count)), process > 0,
        hasEnded(process), (try? Folder.isOwn(folder)) == true
      else { continue }
      remove(folder)
    }
  }

  /// Whether what a process of that number has left is nobody's any more.
  private static func hasEnded(_ process: Int32) -> Bool {
    if process == getpid() { return true }
    do throws(SystemCallError) {
      _ = try ProcessHandle(process)
      return false
    } catch {
      return error.errno == Errno(rawValue: ESRCH)
    }
  }
}
