import GuestMemory

/// The ELF file that a bzImage unpacks to, of which all is known that the bzImage's own code does with it.
package struct UnpackedImage {
  let elf: ELFImage
  /// The physical addresses that it is linked to.
  let extent: GuestRange
  /// Nil: it was built to stay where it is.
  let relocations: KernelRelocations?

  /// - Returns: nil when only the bzImage's own code can know how its kernel is moved.
  package init?(_ file: ImageFile) throws(BootError) {
    elf = try ELFImage(parsing: file)
    guard elf.is64Bit, let extent = elf.extent else { return nil }
    self.extent = extent
    switch try KernelRelocations.behind(elf, linkedTo: extent) {
    case .nothing: relocations = nil
    case .found(let list): relocations = list
    case .unknown: return nil
    }
  }
}
