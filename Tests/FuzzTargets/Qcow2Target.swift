import DiskImage
import Glibc
import Host

/// A sound image of 64 KiB in clusters of 512 bytes, partly written to: every table is there, and in the first pages.
let soundQcow2: [UInt8] = {
  let path = "/tmp/rowhouse-fuzz-\(getpid())"
  // SAFETY: the strings outlive the calls, which only read them.
  defer { unsafe _ = unlink(path) }
  var creation = ImageCreation(format: .qcow2, size: 64 << 10)
  creation.clusterSize = 512
  do {
    try creation.make(at: path)
    let disk = try Disk(path: path, format: .qcow2, readOnly: false)
    var bytes = [UInt8](repeating: 0x5a, count: 4 << 10)
    // SAFETY: the buffer is the array's own and alive for the call.
    try unsafe bytes.withUnsafeMutableBytes { unsafe try disk.write(Segments($0), at: 1 << 10) }
    try disk.zero(at: 16 << 10, count: 2048, keepingRoom: true)
    try disk.flush()
    let file = try Host.Descriptor.open(path, .readOnly)
    return try file.read(count: Int(try file.status().size), at: 0)
  } catch {
    fatalError("no image to start from: \(error)")
  }
}()

/// An image with some of its fields and table entries overwritten, or any bytes: it is refused, or does all that a
/// guest and the tools ask of it. A refused image is not written.
func fuzzQcow2(_ input: inout FuzzInput) {
  let how = input.byte()
  var image = soundQcow2
  if how & 4 != 0 {
    image = []
    while !input.isEmpty { image.append(input.byte()) }
  }
  while !input.isEmpty {
    let (place, width, value) = (Int(input.integer(UInt16.self)), 1 << input.below(4), input.integer(UInt64.self))
    for index in 0..<width where place + index < image.count {
      image[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }
  guard let file = try? Host.Descriptor.memory(named: "fuzz") else { return }
  // SAFETY: the array is only borrowed.
  guard (try? unsafe image.withUnsafeBytes({ unsafe try file.writeAll($0, at: 0) })) != nil else { return }
  let path = "/proc/self/fd/\(file.number)"
  _ = try? CheckReport(checking: path)
  let isReadOnly = how & 1 == 0
  guard let disk = try? Disk(path: path, format: .qcow2, readOnly: isReadOnly) else {
    precondition(identical(image, try? file.read(count: image.count, at: 0)), "a refused image was written")
    return
  }
  use(disk, keepingRoom: how & 2 != 0)
  if isReadOnly {
    precondition(identical(image, try? file.read(count: image.count, at: 0)), "a read-only image was written")
  }
}

/// The first places, the middle and the end, as the size may be anything.
private func use(_ disk: Disk, keepingRoom: Bool) {
  var bytes = [UInt8](repeating: 1, count: 4096)
  for place in [0, disk.size / 2, disk.size - min(disk.size, 4096)].map({ $0 & ~511 }) {
    let count = min(4096, disk.size - place)
    // SAFETY: the buffer is the array's own and alive for the calls.
    unsafe bytes.withUnsafeMutableBytes { buffer in
      let piece = unsafe Segments(UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(count)]))
      _ = try? disk.read(piece, at: place)
      if !disk.isReadOnly { _ = try? disk.write(piece, at: place) }
    }
    if disk.isReadOnly { continue }
    _ = try? disk.zero(at: place, count: count, keepingRoom: keepingRoom)
    _ = try? disk.discard(at: place, count: count)
  }
  if !disk.isReadOnly { _ = try? disk.flush() }
}
