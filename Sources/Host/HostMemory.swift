import Glibc

/// The memory that this computer has.
package enum HostMemory {
  /// In bytes, without swap space (sysconf(3)).
  package static let bytes: UInt64 = {
    let (pages, pageBytes) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return UInt64(max(0, pages)) * UInt64(max(0, pageBytes))
  }()
}
