import GuestMemory
import Virtio

/// Rings and tables of any bytes: chains come off the queue in order and within memory, or not at all.
func fuzzVirtqueue(_ input: inout FuzzInput) {
  let memoryBytes: UInt64 = 0x4000
  let size = UInt32(1) << UInt32(input.below(4))
  let features = Features(rawValue: UInt64(input.byte() & 3) << 28 | 1 << 32)
  guard let memory = try? GuestMemory(bytes: memoryBytes),
    let layout = try? QueueLayout(
      size: size, maximum: 8, descriptors: GuestAddress(0), available: GuestAddress(0x100), used: GuestAddress(0x200),
      in: memory)
  else { return }
  let queue = Virtqueue(maximumSize: 8, in: memory)
  var chain = DescriptorChain(in: memory)
  var taken: UInt64 = 0
  guard (try? queue.start(layout, features: features)) != nil else { return }
  while !input.isEmpty {
    // Small places, so that bytes meet tables and rings; a table that is not the queue's is at 0x400.
    let place = UInt64(input.byte()) << (input.byte() & 1 == 0 ? 1 : 3)
    try? memory.write(input.some(16), at: GuestAddress(place))
    do throws(VirtioFault) {
      if try queue.next(into: &chain) {
        taken += 1
        precondition(chain.ranges.count <= Int(size) && !chain.ranges.isEmpty, "a chain is longer than its queue")
        precondition(chain.ranges.allSatisfy { $0.count > 0 && memory.contains($0) }, "a buffer is not RAM")
        try queue.use(chain, written: min(chain.writableBytes, 7))
      }
      if input.byte() & 1 != 0 { _ = try queue.publish() }
    } catch {
      break
    }
  }
  queue.stop()
  precondition((try? queue.next(into: &chain)) == false, "a queue that was stopped goes on")
}
