import Glibc
import Host

/// Keeps writers of one image apart from each other and from readers, by the same locks as QEMU and its
/// tools.
///
/// QEMU's locks are advisory and per open file (docs/system/images, "Disk image file locking"): for each
/// thing that a process does with an image it holds a shared lock on one byte, for each thing that it does
/// not bear others doing it holds one on another byte. After taking its own, a process looks whether anybody
/// holds the opposite of one of them. Two who look at the same time both let go and look again, each after a time that
/// chance gives it: one of them is then alone, and never do both go on. Locks go with the open file: a killed process
/// leaves none behind, as soon as the kernel has done with what the process had asked of io_uring, which may be a
/// moment after its death.
enum ImageLock {
  /// The bits of QEMU's permissions, as bytes from each base.
  private enum Act: Int64, CaseIterable { case read = 0, write = 1, resize = 3 }

  private static let doing: Int64 = 100
  private static let forbidding: Int64 = 200
  private static let bytes: Int64 = 100
  /// How long the file's last user may take to go, and others to agree on who comes first: 0.3 s.
  static let looks = 30
  private static let pauseMicroseconds: ClosedRange<UInt32> = 1_000...19_000

  static func pause() { usleep(.random(in: pauseMicroseconds)) }

  /// Locks `file` for reading, which many may share, or for writing, which nobody shares.
  ///
  /// A reader forbids writing and resizing: an image must not change under those who have cached its tables.
  static func take(on file: borrowing Descriptor, path: String, toWrite: Bool) throws(ImageError) {
    let acts: [Act] = toWrite ? [.read, .write, .resize] : [.read]
    let forbidden: [Act] = [.write, .resize]
    do throws(SystemCallError) {
      for _ in 0..<looks {
        for act in acts { try file.lockByte(doing + act.rawValue) }
        for act in forbidden { try file.lockByte(forbidding + act.rawValue) }
        guard try isInUse(file, acts: acts, forbidden: forbidden) else { return }
        try file.unlockBytes(doing, count: bytes)
        try file.unlockBytes(forbidding, count: bytes)
        pause()
      }
    } catch where error.errno == .again {
      // Somebody else holds a byte for himself alone.
    } catch {
      throw ImageError(path, .host(error))
    }
    throw ImageError(path, .inUse(toWrite: toWrite))
  }

  /// Whether others do what this process forbids, or forbid what it does.
  private static func isInUse(
    _ file: borrowing Descriptor, acts: [Act], forbidden: [Act]
  ) throws(SystemCallError) -> Bool {
    for act in acts where try file.isByteLockedElsewhere(forbidding + act.rawValue) { return true }
    for act in forbidden where try file.isByteLockedElsewhere(doing + act.rawValue) { return true }
    return false
  }
}
