import CLZ4
import CLZMA
import CZlib
import CZstd

/// How the kernel in a bzImage is compressed, of the ways that are unpacked here. The raw values are the names that
/// people know.
package enum Compression: String, CaseIterable, Sendable {
  case gzip
  case xz
  case zstd = "Zstandard"
  case lz4 = "LZ4"

  /// The first bytes of a compressed stream.
  var magic: [UInt8] {
    switch self {
    case .gzip: [0x1f, 0x8b]
    case .xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
    case .zstd: [0x28, 0xb5, 0x2f, 0xfd]
    // The legacy frame, which is all that Linux knows of LZ4's.
    case .lz4: [0x02, 0x21, 0x4c, 0x18]
    }
  }

  /// The other ways in which Linux can be compressed.
  private static let others: [(name: String, magic: [UInt8])] = [
    ("bzip2", [0x42, 0x5a, 0x68]), ("LZMA", [0x5d, 0x00, 0x00]), ("LZO", [0x89, 0x4c, 0x5a, 0x4f]),
  ]

  /// - Parameter head: the first bytes of a payload.
  /// - Throws: why it is none of these.
  init(head: [UInt8]) throws(UnpackingError.Refusal) {
    if let known = Self.allCases.first(where: { head.starts(with: $0.magic) }) {
      self = known
    } else {
      throw .compressedOtherwise(Self.others.first { head.starts(with: $0.magic) }?.name)
    }
  }

  /// Whether the kernel's build has put the unpacked size behind the stream (scripts/Makefile.lib, `size_append`), as
  /// 32 bits. A gzip stream ends with it by itself (RFC 1952, section 2.3.1, ISIZE).
  private var isSizeAppended: Bool { self != .gzip }

  /// Unpacks a payload, which may be anything.
  ///
  /// - Returns: whether all of it is a stream that fills exactly `output`.
  func unpack(_ payload: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
    let appended = isSizeAppended ? PackedKernel.sizeBytes : 0
    // SAFETY: each library reads and writes no more than the counts that it is given with the buffers' bases.
    let stream = unsafe UnsafeRawBufferPointer(rebasing: payload.dropLast(appended))
    return switch self {
    case .gzip:
      unsafe zlib_inflate_gzip(stream.baseAddress, stream.count, output.baseAddress, output.count) == 1
    case .xz:
      unsafe lzma_decode_whole(
        stream.baseAddress, stream.count, output.baseAddress, output.count, Self.mostDictionaryBytes) == 1
    case .zstd:
      unsafe ZSTD_decompress(output.baseAddress, output.count, stream.baseAddress, stream.count) == output.count
    case .lz4:
      unsafe Self.unpackLZ4(stream, into: output)
    }
  }

  /// Linux's own is 128 MiB at most (scripts/xz_wrap.sh); the format allows 4 GiB.
  private static let mostDictionaryBytes: UInt64 = 256 << 20

  /// LZ4's legacy frame (LZ4 Frame Format Description, "Legacy frame"): its magic number, then blocks of 8 MiB each,
  /// the last of less, with their compressed sizes before them. It has no end mark and no check.
  private static func unpackLZ4(
    _ stream: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    let blockBytes = 8 << 20
    var (taken, made) = (4, 0)
    while taken < stream.count, made < output.count {
      guard stream.count - taken >= 4 else { return false }
      // SAFETY: the four bytes at `taken` lie in the stream, as just checked.
      let count = Int(UInt32(littleEndian: unsafe stream.loadUnaligned(fromByteOffset: taken, as: UInt32.self)))
      taken += 4
      guard (1...Int(LZ4_compressBound(Int32(blockBytes)))).contains(count), count <= stream.count - taken else {
        return false
      }
      // SAFETY: `count` bytes from `taken` on lie in the stream, as just checked; `room` from `made` on in the output.
      let room = min(blockBytes, output.count - made)
      let got = unsafe LZ4_decompress_safe(
        stream.baseAddress! + taken, output.baseAddress! + made, Int32(count), Int32(room))
      guard got > 0 else { return false }
      taken += count
      made += Int(got)
    }
    return taken == stream.count && made == output.count
  }
}
