import GuestMemory
import Testing
import Virtio

/// A request's bytes, however the driver has cut them into buffers.
@Suite("Descriptor chains")
struct DescriptorChainTests {
  let memory: GuestMemory
  let driver: DriverQueue
  let device: Virtqueue
  init() throws {
    memory = try GuestMemory(bytes: 1 << 20)
    driver = DriverQueue(size: 16, at: 0x1000, in: memory)
    driver.features = .common
    device = Virtqueue(maximumSize: 16, in: memory)
    try device.start(QueueLayout(driver), features: .common)
  }

  private func chain(_ buffers: [DriverQueue.Buffer]) throws -> DescriptorChain {
    driver.offer(buffers)
    _ = driver.announce()
    var chain = DescriptorChain(in: memory)
    try #require(try device.next(into: &chain))
    return chain
  }

  /// Every way to cut six bytes into up to three readable buffers, read from every place at every length.
  @Test func readsAcrossBuffers() throws {
    let text = Array("abcdef".utf8)
    for first in 1...4 {
      for second in 1...5 - first {
        let cut = [first, second, 6 - first - second]
        var offset = 0
        let buffers = cut.enumerated().map { index, count in
          let address = UInt64(0x8000 + 0x1000 * index)
          try! memory.write(Array(text[offset..<offset + count]), at: GuestAddress(address))
          offset += count
          return DriverQueue.Buffer.readable(address, count)
        }
        let chain = try chain(buffers + [.writable(0xf000, 1)])
        for start in 0...6 {
          for count in 0...6 - start {
            var bytes = [UInt8](repeating: 0, count: count)
            // SAFETY: the array is only borrowed.
            unsafe try bytes.withUnsafeMutableBytes { unsafe try chain.read(at: UInt64(start), into: $0) }
            #expect(bytes == Array(text[start..<start + count]))
          }
        }
        #expect(throws: VirtioFault.malformedRequest) { try chain.load(at: 5, as: UInt16.self) }
        #expect(throws: VirtioFault.malformedRequest) { try chain.load(at: .max, as: UInt16.self) }
        #expect(try chain.load(at: 1, as: UInt32.self) == 0x6564_6362)
        try device.use(chain, written: 0)
        _ = try device.publish()
        while driver.takeUsed() != nil {}
      }
    }
  }

  @Test func writesAcrossBuffers() throws {
    let chain = try chain([.readable(0x7000, 3), .writable(0x8000, 2), .writable(0x9000, 1), .writable(0xa000, 5)])
    try chain.store(0x1122_3344_5566_7788 as UInt64, at: 0)
    #expect(try memory.read(GuestAddress(0x8000), count: 3) == [0x88, 0x77, 0])
    #expect(try memory.read(GuestAddress(0x9000), count: 2) == [0x66, 0])
    #expect(try memory.read(GuestAddress(0xa000), count: 6) == [0x55, 0x44, 0x33, 0x22, 0x11, 0])
    #expect(throws: VirtioFault.malformedRequest) { try chain.store(1 as UInt32, at: 5) }
    #expect(try memory.read(GuestAddress(0xa000), count: 6) == [0x55, 0x44, 0x33, 0x22, 0x11, 0], "all or nothing")
    #expect(try memory.read(GuestAddress(0x7000), count: 3) == [0, 0, 0], "a readable buffer is not written")
  }
}
