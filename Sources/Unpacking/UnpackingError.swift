import Boot
import Host

/// Why a kernel is not unpacked.
package enum UnpackingError: Error, Equatable, Sendable {
  /// Its file cannot be read, or has a broken header.
  case image(BootError)
  /// The file is sound as far as its header goes, but not one that can be unpacked.
  case refused(path: String, Refusal)
  /// The host has no memory for it.
  case host(SystemCallError)

  package enum Refusal: Error, Equatable, Sendable {
    /// Neither a bzImage nor an ELF file.
    case noLinux
    /// A bzImage of a Linux before 4.18, or (nil) of one that does not say which it is.
    case old(String?)
    /// A bzImage whose header does not tell where its payload is.
    case tellsNoPayload(version: UInt16)
    /// The way's name; nil: the payload begins as none that is known.
    case compressedOtherwise(String?)
    /// A payload that is too short for anything, or an ELF file too large to be believed, in bytes.
    case size(payload: UInt64, unpacked: UInt64)
    /// What the payload is does not unpack to as many bytes as it says.
    case broken(Compression, unpacked: Int)
    /// Somebody wrote to the file while it was read.
    case changed
    /// What came out is no ELF file of a 64-bit x86 kernel.
    case noKernel
    /// What came out is a 32-bit kernel.
    case narrowKernel
    /// How the kernel is moved to an address of chance only the bzImage's own code knows.
    case movesItself
  }

  /// Whether another file would not have been unpacked either.
  package var isOfTheHost: Bool {
    if case .host = self { true } else { false }
  }
}

extension UnpackingError: CustomStringConvertible {
  /// One line: the file, what is wrong with it, and what to do.
  package var description: String {
    switch self {
    case .image(let error): "\(error)"
    case .refused(let path, let refusal): "\(path): \(refusal)"
    case .host(let error): "the host refused \(error)"
    }
  }
}

extension UnpackingError.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noLinux: "is neither a bzImage nor an ELF file: leave out --unpack"
    case .old(let release?): "is Linux \(release), which only unpacks itself before 4.18: leave out --unpack"
    case .old(nil): "does not tell which Linux it is, so that only it can unpack itself: leave out --unpack"
    case .tellsNoPayload(let version):
      "does not tell where the kernel is in it (boot protocol \(version >> 8).\(version & 0xff)): leave out --unpack"
    case .compressedOtherwise(let name?): "is compressed by \(name), which is not unpacked here: leave out --unpack"
    case .compressedOtherwise(nil): "is compressed in a way that is not known here: leave out --unpack"
    case .size(let payload, let unpacked):
      "says that its \(payload) bytes of payload are \(unpacked) of kernel, "
        + "at most \(PackedKernel.mostUnpackedBytes) are unpacked: leave out --unpack if that is right"
    case .broken(let compression, let unpacked):
      "is broken: its payload does not unpack to the \(unpacked) bytes that it says it is (\(compression.rawValue))"
    case .changed: "was written to while it was read: try again when nobody does"
    case .noKernel: "is broken: its payload is not the ELF file of a kernel for x86-64"
    case .narrowKernel: "holds a 32-bit kernel, which is not booted without its own loader: leave out --unpack"
    case .movesItself: "has to unpack itself, as only its own code knows how it is moved: leave out --unpack"
    }
  }
}
