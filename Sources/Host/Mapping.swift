import CLinux
import Glibc

/// A piece of this process's address space that this value owns and gives back with its end (mmap(2), munmap(2)).
package struct Mapping: ~Copyable, Sendable {
  // The address as a number, so that the value is Sendable; `base` gives it its type back.
  private let address: UInt
  /// The size in bytes, above 0.
  package let count: Int

  /// Whether what is written is seen by others who map the same descriptor.
  package enum Sharing: Sendable { case shared, copyOnWrite }

  /// Fresh memory that reads as zeros and takes no page of the host before it is touched.
  ///
  /// No swap space is set aside for it: a guest's memory is promised, not yet used (MAP_NORESERVE).
  package static func anonymous(_ count: Int) throws(SystemCallError) -> Mapping {
    try Mapping(count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  }

  /// The same at an address that is a multiple of `alignment`.
  ///
  /// - Parameter alignment: a power of two, a multiple of the page size.
  package static func anonymous(_ count: Int, alignment: Int) throws(SystemCallError) -> Mapping {
    var address: UnsafeMutableRawPointer?
    // SAFETY: as below.
    unsafe try checked("mmap", linux_map_aligned(&address, count, alignment))
    return Mapping(owning: UInt(bitPattern: address), count: count)
  }

  private init(owning address: UInt, count: Int) {
    self.address = address
    self.count = count
  }

  /// The bytes of a file or device, for reading and writing.
  ///
  /// - Parameter offset: where it starts in the file, a multiple of the page size.
  package static func file(
    _ file: borrowing Descriptor, count: Int, offset: Int64 = 0, _ sharing: Sharing = .shared
  ) throws(SystemCallError) -> Mapping {
    try Mapping(count, PROT_READ | PROT_WRITE, sharing == .shared ? MAP_SHARED : MAP_PRIVATE, file.number, offset)
  }

  private init(
    _ count: Int, _ protection: Int32, _ flags: Int32, _ number: Int32, _ offset: Int64
  ) throws(SystemCallError) {
    var address: UnsafeMutableRawPointer?
    // SAFETY: the kernel chooses the address, so no memory that is in use can be replaced.
    unsafe try checked("mmap", linux_map(&address, count, protection, flags, number, offset))
    self.address = UInt(bitPattern: address)
    self.count = count
  }

  deinit {
    // SAFETY: the value owns this range and is not copyable: nobody can use it after its end.
    _ = unsafe linux_unmap(base, count)
  }

  /// The first byte. It must not outlive the mapping.
  package var base: UnsafeMutableRawPointer {
    // SAFETY: the number came from a pointer that mmap returned.
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  /// Tells the kernel how the memory will be used (madvise(2)); a hint that it may refuse.
  package func advise(_ advice: Int32) throws(SystemCallError) {
    // SAFETY: the range is the mapping's own.
    unsafe try checked("madvise", linux_advise(base, count, advice))
  }
  /// The same for a part of it.
  ///
  /// - Parameter part: bytes from the start; a multiple of the page size on both ends, and inside the mapping.
  package func advise(_ advice: Int32, _ part: Range<Int>) throws(SystemCallError) {
    precondition(part.lowerBound >= 0 && part.upperBound <= count)
    // SAFETY: the part lies inside the mapping, as just checked.
    unsafe try checked("madvise", linux_advise(base + part.lowerBound, part.count, advice))
  }
}
