import Host
import MadeUpImages
import Unpacking

/// A bzImage whose payload begins as one of the ways to compress that are known and goes on as it likes, with a size
/// that may be true, and a header that may lie about where the payload is: unpacked to as many bytes as it says, or
/// refused with one line.
func fuzzUnpack(_ input: inout FuzzInput) {
  let how = input.byte()
  // gzip (RFC 1952, 2.3), xz (1.0.4, 2.1.1), Zstandard (RFC 8878, 3.1.1), LZ4's legacy frame.
  let magics: [[UInt8]] = [
    [0x1f, 0x8b, 8], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], [0x28, 0xb5, 0x2f, 0xfd], [0x02, 0x21, 0x4c, 0x18], [],
  ]
  let size = input.integer(UInt16.self)
  let lie = how & 64 == 0 ? nil : (offset: input.integer(UInt32.self), count: input.integer(UInt32.self))
  var payload = magics[Int(how & 7) % magics.count]
  while !input.isEmpty { payload.append(input.byte()) }
  if how & 128 == 0 { payload.append(little: UInt32(size)) }
  var image = bzImage(payload: payload)
  if let lie {
    image.put(lie.offset, at: 0x248)
    image.put(lie.count, at: 0x24c)
  }
  guard let file = try? Descriptor.memory(named: "fuzz") else { return }
  // SAFETY: the array is only borrowed.
  guard (try? unsafe image.withUnsafeBytes({ unsafe try file.writeAll($0, at: 0) })) != nil else { return }
  do throws(UnpackingError) {
    guard let packed = try PackedKernel("/proc/self/fd/\(file.number)") else { return }
    let key = try packed.key([UInt8](repeating: 7, count: 192))
    precondition(key.digits.utf8.count == 32, "a key has 32 digits")
    // What is promised costs memory, which is not what is looked for here.
    guard packed.unpackedBytes <= 1 << 20 else { return }
    let kernel = try packed.unpack(key)
    precondition(kernel.count == packed.unpackedBytes, "as many bytes as it says")
  } catch {
    precondition(!error.description.isEmpty && !error.description.contains("\n"), "a refusal is one line")
  }
}
