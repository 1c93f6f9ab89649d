import DiskImage
import Glibc
import Host

/// Where a guest's disks come from each time it starts. Overlays that are thrown away at the end of the run stay
/// here: a guest that starts anew finds its disks as it left them.
struct DiskShelf: Sendable {
  private let disks: [(configuration: DiskConfiguration, temporary: TemporaryOverlay?)]

  init(_ configurations: [DiskConfiguration]) throws(ImageError) {
    var disks: [(DiskConfiguration, TemporaryOverlay?)] = []
    for disk in configurations {
      var temporary: TemporaryOverlay?
      if disk.overlay == .thrownAway {
        temporary = try TemporaryOverlay(over: disk.path, format: disk.format, in: Self.folder)
      }
      disks.append((disk, temporary))
    }
    self.disks = disks
  }

  var count: Int { disks.count }

  /// Opens a disk and all that it stands on.
  func open(_ index: Int) throws(ImageError) -> Disk {
    let (disk, temporary) = disks[index]
    if let temporary { return try temporary.open(isDirect: disk.isDirect) }
    if case .kept(let path) = disk.overlay {
      return try Disk(overlay: path, over: disk.path, format: disk.format, isDirect: disk.isDirect)
    }
    return try Disk(path: disk.path, format: disk.format, readOnly: disk.isReadOnly, isDirect: disk.isDirect)
  }

  /// Where there is room for large files that nobody keeps.
  private static var folder: String {
    if let value = Environment["TMPDIR"] { return value }
    // SAFETY: the string is a literal's, which the call only reads.
    return unsafe access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
  }
}
