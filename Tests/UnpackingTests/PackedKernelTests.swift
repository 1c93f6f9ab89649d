import Boot
import Foundation
import Host
import MadeUpImages
import Testing

@testable import Unpacking

@Suite("Packed kernels")
struct PackedKernelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What comes out of a bzImage; nil: it is an ELF file as it is.
  private func unpacked(_ image: [UInt8]) throws -> [UInt8]? {
    guard let packed = try PackedKernel(folder.file("image", image)) else { return nil }
    let kernel = try packed.unpack()
    // SAFETY: the mapping's own memory, copied while it lives.
    return unsafe [UInt8](UnsafeRawBufferPointer(start: kernel.base, count: kernel.count))
  }

  /// Why nothing comes out of it.
  private func refusal(of image: [UInt8]) -> UnpackingError.Refusal? {
    do throws(UnpackingError) {
      let path: String
      do { path = try folder.file("image", image) } catch { return nil }
      _ = try PackedKernel(path)?.unpack()
      return nil
    } catch {
      #expect(!error.description.contains("\n"))
      #expect(error.description.hasPrefix(folder.path))
      guard case .refused(_, let refusal) = error else { return nil }
      return refusal
    }
  }

  @Test("What Linux's build packs comes out as it was", arguments: Packer.all)
  func unpacks(_ packer: Packer) throws {
    let kernel = kernel()
    #expect(try unpacked(bzImage(payload: packer.payload(kernel, folder))) == kernel)
  }

  @Test("LZ4's blocks of 8 MiB, also when the last is full", arguments: [16 << 20, 20 << 20])
  func manyBlocks(_ bytes: Int) throws {
    let header = elf(entry: 0, []).count + 56
    let kernel = kernel(bytes: bytes - header)
    #expect(kernel.count == bytes)
    #expect(try unpacked(bzImage(payload: Packer.all[3].payload(kernel, folder))) == kernel)
  }

  @Test("A stream that ends early, or goes on", arguments: Packer.all)
  func wrongLengths(_ packer: Packer) throws {
    let kernel = kernel(bytes: 1000)
    var stream = try packer.payload(kernel, folder)
    if packer.appendsSize { stream.removeLast(4) }
    let size = (0..<4).map { UInt8(truncatingIfNeeded: kernel.count >> (8 * $0)) }
    for count in 9..<stream.count {
      let payload = stream.prefix(count) + (packer.appendsSize ? size : Array(stream[(count - 4)..<count]))
      #expect(refusal(of: bzImage(payload: Array(payload))) != nil, "\(count) of \(stream.count) bytes")
    }
    let more = bzImage(payload: stream + [1, 2, 3, 4, 5] + size)
    #expect(refusal(of: more) == .broken(try Compression(head: stream), unpacked: kernel.count))
  }

  /// LZ4's legacy frame has no check: what comes out of a broken one may be wrong, but never of another length.
  @Test("Any bit that is wrong is noticed", arguments: Packer.all)
  func wrongBits(_ packer: Packer) throws {
    let kernel = kernel(bytes: 600)
    let payload = try packer.payload(kernel, folder)
    let isChecked = try Compression(head: payload) != .lz4
    for bit in 0..<payload.count * 8 {
      var broken = payload
      broken[bit / 8] ^= 1 << UInt8(bit % 8)
      let outcome = try? unpacked(bzImage(payload: broken))
      // Some bits of gzip's header mean nothing, and so say nothing of the kernel (RFC 1952, MTIME, XFL and OS).
      if let outcome { #expect(isChecked ? outcome == kernel : outcome.count == kernel.count, "bit \(bit)") }
    }
  }

  @Test("A size that is not true", arguments: Packer.all)
  func wrongSizes(_ packer: Packer) throws {
    let kernel = kernel(bytes: 5000)
    let sound = try packer.payload(kernel, folder)
    for size in [kernel.count - 1, kernel.count + 1, 64, 100 << 20] {
      let payload = sound.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
      #expect(
        refusal(of: bzImage(payload: Array(payload))) == .broken(try Compression(head: sound), unpacked: size))
    }
    for size in [0, PackedKernel.mostUnpackedBytes + 1, 0xffff_ffff] {
      let payload = sound.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
      #expect(
        refusal(of: bzImage(payload: Array(payload)))
          == .size(payload: UInt64(sound.count), unpacked: UInt64(size)))
    }
  }

  @Test("Other ways to compress are called by their names")
  func otherWays() throws {
    let lzma = try Packer(command: "xz --format=lzma", appendsSize: true).payload(kernel(), folder)
    #expect(refusal(of: bzImage(payload: lzma)) == .compressedOtherwise("LZMA"))
    // bzip2 and lzop need not be installed; their files begin so.
    #expect(refusal(of: bzImage(payload: Array("BZh91AY&SY".utf8))) == .compressedOtherwise("bzip2"))
    let lzo: [UInt8] = [0x89, 0x4c, 0x5a, 0x4f, 0, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]
    #expect(refusal(of: bzImage(payload: lzo)) == .compressedOtherwise("LZO"))
    #expect(refusal(of: bzImage(payload: [UInt8](repeating: 7, count: 100))) == .compressedOtherwise(nil))
    #expect(refusal(of: bzImage(payload: [1, 2, 3])) == .size(payload: 3, unpacked: 0))
  }

  @Test("What is no kernel for 64-bit x86")
  func otherContents() throws {
    func refusal(of content: [UInt8]) throws -> UnpackingError.Refusal? {
      self.refusal(of: bzImage(payload: try Packer.all[0].payload(content, folder)))
    }
    #expect(try refusal(of: kernel(is64Bit: false)) == .narrowKernel)
    #expect(try refusal(of: Array("no ELF file, but long enough to be one: its header has 64 bytes".utf8)) == .noKernel)
    #expect(try refusal(of: Array(kernel().prefix(63))) == .noKernel)
    var other = kernel()
    other.put(UInt16(183), at: 18)
    #expect(try refusal(of: other) == .noKernel)
  }

  @Test("Linux before 4.18, and what does not say which it is, unpacks itself", arguments: [
    ("4.17.19-test", "4.17"), ("3.10.0", "3.10"), ("2.6.32", "2.6"), ("6", nil), ("x.1", nil), ("", nil),
    ("4.18.0-rc1", ""), ("6.12.9", ""), ("10.0 (x)", ""),
  ])
  func oldKernels(text: String, release: String?) throws {
    var image = bzImage(payload: try Packer.all[0].payload(kernel(), folder))
    image.replaceSubrange(0x300..<0x310, with: Array(text.utf8) + [UInt8](repeating: 0, count: 16 - text.utf8.count))
    #expect(refusal(of: image) == (release == "" ? nil : .old(release)))
    // Where it says nothing, or that it is said beyond the header's sectors.
    for place in [UInt16(0), 0x200, .max] {
      image.put(place, at: 0x20e)
      #expect(refusal(of: image) == .old(nil))
    }
  }

  @Test("Files that are no bzImage, or one that tells nothing")
  func otherFiles() throws {
    #expect(try unpacked(kernel()) == nil)
    #expect(refusal(of: [UInt8](repeating: 0xf4, count: 2000)) == .noLinux)
    let payload = try Packer.all[0].payload(kernel(), folder)
    #expect(refusal(of: bzImage(payload: payload, version: 0x0207)) == .tellsNoPayload(version: 0x0207))
    #expect(refusal(of: bzImage()) == .tellsNoPayload(version: 0x020f))
    #expect(throws: UnpackingError.self) { try PackedKernel(folder.path + "/none") }
    for (offset, count) in [(UInt32.max, UInt32(100)), (4096, .max), (4096, UInt32(payload.count + 64))] {
      var image = bzImage(payload: payload)
      image.put(offset, at: 0x248)
      image.put(count, at: 0x24c)
      let path = try folder.file("image", image)
      let error = #expect(throws: UnpackingError.self) { try PackedKernel(path) }
      #expect(try #require(error).description.contains("payload_length \(count)"))
    }
  }
}
