import Boot
import GuestMemory
import Host
import MadeUpImages

/// Sound images of each kind, to be broken.
private let sound: [[UInt8]] = [
  [], bzImage(), pvhKernel(),
  elf(entry: 0x100_0000, [Segment(address: 0x100_0000, bytes: Array("Linux version 6".utf8))]),
  elf(
    is64Bit: false, entry: 0x10_000c,
    [Segment(address: 0x10_0000, bytes: multibootHeader(flags: 3) + [0xf4])]),
  multibootHeader(flags: 1 << 16, [0x10_0000, 0x10_0000, 0, 0, 0x10_0020]) + [0xf4],
  movableKernel(),
]
private let packed = bzImage()

/// A file in memory.
private func imageFile(_ bytes: [UInt8]) -> SharedDescriptor? {
  guard let file = try? Descriptor.memory(named: "fuzz") else { return nil }
  // SAFETY: the array is only borrowed.
  guard (try? unsafe bytes.withUnsafeBytes({ unsafe try file.writeAll($0, at: 0) })) != nil else { return nil }
  return SharedDescriptor(file)
}

/// A kernel with some bytes overwritten or cut off, or any bytes: loaded or refused with one line, by the protocol that
/// its file shows or one that is forced, or as what a bzImage has unpacked to.
func fuzzBoot(_ input: inout FuzzInput) {
  let how = input.byte()
  let isUnpacked = how & 15 >= 12
  var image = sound[isUnpacked ? sound.count - 1 : Int(how & 15) % sound.count]
  if image.isEmpty {
    while !input.isEmpty { image.append(input.byte()) }
  }
  if how & 16 != 0 { image.removeLast(min(image.count, Int(input.integer(UInt16.self)))) }
  let bootProtocol = how & 32 == 0 ? nil : input.one(of: BootProtocol.allCases)
  while !input.isEmpty {
    let place = Int(input.integer(UInt16.self) & 0x1fff)
    let (width, value) = (1 << input.below(4), input.integer(UInt64.self))
    for index in 0..<width where place + index < image.count {
      image[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }
  guard let file = imageFile(image), let packed = imageFile(packed) else { return }
  do throws(BootError) {
    let path = "/proc/self/fd/\(file.number)"
    var request = BootRequest(kernel: try ImageFile(path: isUnpacked ? "/proc/self/fd/\(packed.number)" : path))
    if isUnpacked { request.unpacked = try ImageFile(path: path) }
    request.bootProtocol = bootProtocol
    if how & 64 != 0 { request.initrd = request.kernel }
    if how & 128 != 0 { request.modules = [.init(file: request.kernel, string: "again")] }
    guard let memory = try? GuestMemory(bytes: 32 << 20) else { return }
    _ = try load(request, into: memory, platform: .test())
  } catch {
    precondition(!error.description.isEmpty && !error.description.contains("\n"), "a refusal is one line")
  }
}
