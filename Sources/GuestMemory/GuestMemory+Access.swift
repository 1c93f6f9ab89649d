import Glibc
import Host

extension GuestMemory {
  /// Copies bytes out of the guest, as they are at some moment during the call: a vCPU may be writing them.
  package func read(_ address: GuestAddress, into buffer: UnsafeMutableRawBufferPointer) throws(GuestMemoryError) {
    // SAFETY: a pointer that passed the gate, for the copy below.
    let source = unsafe try host(address, count: buffer.count)
    guard let destination = buffer.baseAddress else { return }
    // SAFETY: the gate vouches for `count` bytes at the source, the caller for the buffer; the two cannot overlap, as
    // no pointer into guest memory leaves this type.
    unsafe memcpy(destination, source, buffer.count)
  }

  /// Copies bytes out of the guest into an array.
  package func read(_ address: GuestAddress, count: Int) throws(GuestMemoryError) -> [UInt8] {
    let source = unsafe try host(address, count: count)
    // SAFETY: the gate vouches for `count` bytes at the source.
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
      if count > 0 { unsafe memcpy(buffer.baseAddress!, source, count) }
      initialised = count
    }
  }

  /// Copies bytes into the guest.
  package func write(_ bytes: RawSpan, at address: GuestAddress) throws(GuestMemoryError) {
    let destination = unsafe try host(address, count: bytes.byteCount)
    // SAFETY: the gate vouches for the destination, the span for the source; as above they cannot overlap.
    unsafe bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { _ = unsafe memcpy(destination, base, source.count) }
    }
  }

  /// Copies bytes into the guest.
  package func write(_ bytes: [UInt8], at address: GuestAddress) throws(GuestMemoryError) {
    // SAFETY: bytes have no padding, so all of the array's memory is initialised.
    unsafe try write(bytes.span.bytes, at: address)
  }

  /// Copies text into the guest as UTF-8 with a terminating zero byte.
  package func write(terminated text: String, at address: GuestAddress) throws(GuestMemoryError) {
    try write(Array(text.utf8) + [0], at: address)
  }

  /// Reads one little-endian integer of any width, at any alignment. It is not atomic.
  package func load<Value: FixedWidthInteger & BitwiseCopyable>(
    _ address: GuestAddress, as type: Value.Type = Value.self
  ) throws(GuestMemoryError) -> Value {
    // SAFETY: a pointer that passed the gate, for the load below.
    let source = unsafe try host(address, count: MemoryLayout<Value>.size)
    // SAFETY: the gate vouches for the bytes, and every bit pattern is a valid integer.
    return Value(littleEndian: unsafe source.loadUnaligned(as: Value.self))
  }

  /// Writes one integer as little-endian bytes, at any alignment. It is not atomic.
  package func store<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, at address: GuestAddress
  ) throws(GuestMemoryError) {
    let destination = unsafe try host(address, count: MemoryLayout<Value>.size)
    // SAFETY: the gate vouches for the bytes.
    unsafe destination.storeBytes(of: value.littleEndian, as: Value.self)
  }

  /// Sets `count` bytes to zero.
  package func zero(_ address: GuestAddress, count: Int) throws(GuestMemoryError) {
    let destination = unsafe try host(address, count: count)
    // SAFETY: the gate vouches for the bytes.
    _ = unsafe memset(destination, 0, count)
  }

  /// Reads `count` bytes of a file straight into the guest, without a copy in between.
  ///
  /// - Parameter offset: bytes from the file's start.
  /// - Throws: ``GuestMemoryError/fileEnded(missing:)`` when the file is shorter; what was read by then stays.
  package func load(
    _ count: Int, from file: borrowing Descriptor, at offset: UInt64, to address: GuestAddress
  ) throws(GuestMemoryError) {
    let destination = unsafe try host(address, count: count)
    let got: Int
    do throws(SystemCallError) {
      // SAFETY: the gate vouches for the bytes; the kernel only writes there.
      got = unsafe try file.read(into: UnsafeMutableRawBufferPointer(start: destination, count: count), at: offset)
    } catch {
      throw .host(error)
    }
    guard got == count else { throw .fileEnded(missing: count - got) }
  }
}
