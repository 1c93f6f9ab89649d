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
      let street = "\(place.folder)/rowhouse"
      for name in (try? Folder.names(in: street)) ?? [] { try? Folder.remove("\(street)/\(name)") }
      try? Folder.remove(street)
      try? Folder.remove(place.folder)
    }
  }
}
