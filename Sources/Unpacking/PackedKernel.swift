import Boot
import CXXHash
import Host

/// A Linux kernel as it is shipped: an ELF file, compressed, that is the payload of a bzImage.
package struct PackedKernel: Sendable {
  private let file: ImageFile
  /// Where the payload is in the file.
  private let payload: Range<UInt64>
  private let compression: Compression
  /// The size of the ELF file as the payload tells it, above 0.
  package let unpackedBytes: Int
  /// Whether its header says that it is for 64-bit CPUs, as the ELF file must be.
  let is64Bit: Bool

  /// The payload's last bytes: the size of what it unpacks to, little-endian.
  static let sizeBytes = 4
  /// Linux's ELF file has 50 to 200 MiB. What is promised beyond this is not believed, so that a file that lies costs
  /// no more memory.
  static let mostUnpackedBytes = 512 << 20

  private static let elfMagic = Array("\u{7f}ELF".utf8)
  private static let part = "the compressed kernel"

  /// Looks into a kernel's file.
  ///
  /// - Returns: nil for an ELF file, of which there is nothing to unpack.
  /// - Throws: ``UnpackingError`` when it is neither that nor a bzImage that can be unpacked.
  package init?(_ path: String) throws(UnpackingError) {
    let file = try image { () throws(BootError) in try ImageFile(path: path) }
    let header = try image { () throws(BootError) in
      try LinuxHeader.isPresent(in: file) ? LinuxHeader(parsing: file) : nil
    }
    func refused(_ refusal: UnpackingError.Refusal) -> UnpackingError { .refused(path: path, refusal) }
    guard let header else {
      if try image({ () throws(BootError) in try file.head(4) }) == Self.elfMagic { return nil }
      throw refused(.noLinux)
    }
    // What older ones do when they unpack themselves is not done here: their ways to move, and to turn on paging in
    // five levels, were others (arch/x86/boot/compressed of Linux 4.17 and 4.18).
    let release = try image { () throws(BootError) in try header.release(in: file) }
    guard let release, (release.major, release.minor) >= (4, 18) else {
      throw refused(.old(release.map { "\($0.major).\($0.minor)" }))
    }
    guard let payload = try image({ () throws(BootError) in try header.payload(in: file) }) else {
      throw refused(.tellsNoPayload(version: header.version))
    }
    guard payload.count > 2 * Self.sizeBytes else {
      throw refused(.size(payload: UInt64(payload.count), unpacked: 0))
    }
    let head = try image { () throws(BootError) in try file.read(8, at: payload.lowerBound, Self.part) }
    do throws(UnpackingError.Refusal) { compression = try Compression(head: head) } catch { throw refused(error) }
    let tail = try image { () throws(BootError) in
      try file.read(Self.sizeBytes, at: payload.upperBound - UInt64(Self.sizeBytes), Self.part)
    }
    let unpackedBytes = Int(tail.integer(at: 0, as: UInt32.self))
    guard (1...Self.mostUnpackedBytes).contains(unpackedBytes), payload.count <= Self.mostUnpackedBytes else {
      throw refused(.size(payload: UInt64(payload.count), unpacked: UInt64(unpackedBytes)))
    }
    self.file = file
    self.payload = payload
    self.unpackedBytes = unpackedBytes
    is64Bit = header.has64BitEntry
  }

  /// What a payload is told from others by, and the secret that it was made with.
  package struct Key: Sendable {
    /// Hexadecimal: XXH3 of 128 bits, the size in the payload included.
    package let digits: String
    fileprivate let secret: [UInt8]
  }

  /// The payload's key, as the file is now.
  ///
  /// It is taken at each start, of which a cryptographic one would be a good part. With a secret, nobody who does not
  /// know it can make a file that has another's key.
  package func key(_ secret: [UInt8]) throws(UnpackingError) -> Key {
    precondition(secret.count >= XXH3_SECRET_SIZE_MIN)
    // SAFETY: the array keeps its bytes in place for the call.
    let digits = unsafe try secret.span.bytes.withUnsafeBytes { secret throws(UnpackingError) in
      unsafe try hash(with: secret)
    }
    return Key(digits: digits, secret: secret)
  }

  private func hash(with secret: UnsafeRawBufferPointer) throws(UnpackingError) -> String {
    // SAFETY: the state is made here, used by this call alone, and freed in the end; it is nil only without memory.
    guard let state = unsafe XXH3_createState() else { throw .host(SystemCallError("malloc", .noMemory)) }
    defer { unsafe XXH3_freeState(state) }
    // SAFETY: the secret stays in place for the call, and is as long as it says.
    unsafe XXH3_128bits_reset_withSecret(state, secret.baseAddress, secret.count)
    let buffer = try host { () throws(SystemCallError) in try Mapping.anonymous(Self.pieceBytes) }
    var offset = payload.lowerBound
    while offset < payload.upperBound {
      let count = Int(min(UInt64(Self.pieceBytes), payload.upperBound - offset))
      // SAFETY: the piece lies in the mapping, which lives until the end of the call.
      let piece = unsafe UnsafeMutableRawBufferPointer(start: buffer.base, count: count)
      try image { () throws(BootError) in unsafe try file.read(into: piece, at: offset, Self.part) }
      unsafe XXH3_128bits_update(state, piece.baseAddress, count)
      offset += UInt64(count)
    }
    return Self.digits(unsafe XXH3_128bits_digest(state))
  }

  private static func digits(_ hash: XXH128_hash_t) -> String {
    // SAFETY: the two numbers have no padding, and are copied within the call.
    unsafe withUnsafeBytes(of: (hash.high64.bigEndian, hash.low64.bigEndian)) { unsafe Array($0).hexadecimal }
  }

  /// Few calls, and no more than a processor's cache holds.
  private static let pieceBytes = 128 << 10

  /// The ELF file: ``unpackedBytes``, of which so much is sure that it is one for 64-bit x86.
  ///
  /// - Parameter key: what the payload was known by when it was read before. Whose file it is may have written to it
  ///   since, so the very bytes that are unpacked must have it; nil: they are not kept, and may be any.
  package func unpack(_ key: Key? = nil) throws(UnpackingError) -> Mapping {
    let packed = try host { () throws(SystemCallError) in try Mapping.anonymous(payload.count) }
    // SAFETY: both buffers are the mappings' own memory.
    let input = unsafe UnsafeMutableRawBufferPointer(start: packed.base, count: packed.count)
    try image { () throws(BootError) in unsafe try file.read(into: input, at: payload.lowerBound, Self.part) }
    if let key {
      // SAFETY: both are as long as they say, and stay in place for the call.
      let hash = unsafe key.secret.span.bytes.withUnsafeBytes { secret in
        unsafe XXH3_128bits_withSecret(input.baseAddress, input.count, secret.baseAddress, secret.count)
      }
      guard Self.digits(hash) == key.digits else { throw .refused(path: file.path, .changed) }
    }
    let kernel = try host { () throws(SystemCallError) in try Mapping.anonymous(unpackedBytes) }
    let output = unsafe UnsafeMutableRawBufferPointer(start: kernel.base, count: kernel.count)
    guard unsafe compression.unpack(UnsafeRawBufferPointer(input), into: output) else {
      throw .refused(path: file.path, .broken(compression, unpacked: unpackedBytes))
    }
    // Elf64_Ehdr: e_ident[EI_CLASS] and [EI_DATA], e_machine. The VMM looks closer.
    let head = unsafe [UInt8](UnsafeRawBufferPointer(output).prefix(64))
    guard head.count == 64, head.starts(with: Self.elfMagic) else { throw .refused(path: file.path, .noKernel) }
    guard head[4] != 1 else { throw .refused(path: file.path, .narrowKernel) }
    guard head[4] == 2, head[5] == 1, head.integer(at: 18) == UInt16(62) else {
      throw .refused(path: file.path, .noKernel)
    }
    return kernel
  }
}

private func image<Result>(_ body: () throws(BootError) -> Result) throws(UnpackingError) -> Result {
  do throws(BootError) { return try body() } catch { throw .image(error) }
}

private func host<Result: ~Copyable>(
  _ body: () throws(SystemCallError) -> Result
) throws(UnpackingError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw .host(error) }
}
