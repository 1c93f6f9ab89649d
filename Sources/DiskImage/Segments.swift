import Glibc

/// The buffers of one request that are still to be filled or written, in order: pieces of memory of any
/// length.
///
/// It does not own the memory. Whoever makes it keeps the pieces, and the array that lists them, alive and in
/// place until the request is done. A guest may change the memory meanwhile: it is only ever copied, and
/// never looked at.
@safe
package struct Segments {
  /// What is left of the first piece.
  private var first: iovec
  private var others: UnsafeBufferPointer<iovec>
  /// Bytes that are left in all pieces.
  package private(set) var count: Int

  /// One piece.
  package init(_ buffer: UnsafeMutableRawBufferPointer) {
    // SAFETY: the piece is the caller's buffer.
    unsafe first = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
    unsafe others = UnsafeBufferPointer(start: nil, count: 0)
    count = buffer.count
  }

  /// As many pieces as `pieces` lists.
  package init(_ pieces: UnsafeBufferPointer<iovec>) {
    // SAFETY: the array is the caller's and alive.
    unsafe first = pieces.first ?? iovec()
    unsafe others = UnsafeBufferPointer(rebasing: pieces.dropFirst())
    count = 0
    for unsafe piece in unsafe pieces { unsafe count += piece.iov_len }
  }

  /// Leaves out the next `bytes`, at most `count`.
  package mutating func skip(_ bytes: Int) {
    precondition(bytes <= count)
    count -= bytes
    var rest = bytes
    // SAFETY: a piece is moved on by no more than its length, and another taken only while bytes are left in
    // some.
    while unsafe rest >= first.iov_len, unsafe !others.isEmpty {
      unsafe rest -= first.iov_len
      unsafe first = others[0]
      unsafe others = UnsafeBufferPointer(rebasing: others.dropFirst())
    }
    // SAFETY: as above; what is left to skip lies in this piece.
    unsafe first.iov_base = first.iov_base.map { unsafe $0 + rest }
    unsafe first.iov_len -= rest
  }

  /// Lists the pieces of the next bytes, as many as there is room for, cut to `limit` bytes.
  ///
  /// - Returns: how many they are.
  package func list(in list: UnsafeMutableBufferPointer<iovec>, atMost limit: Int) -> Int {
    var used = 0
    var rest = limit
    // SAFETY: the pieces are the caller's, copied by value; only their lengths are changed, and only to less. The array
    // that lists them is alive, by the contract of `init`.
    func add(_ piece: iovec) -> Bool {
      guard rest > 0, used < list.count else { return false }
      unsafe list[used] = piece
      unsafe list[used].iov_len = min(piece.iov_len, rest)
      unsafe rest -= list[used].iov_len
      used += 1
      return true
    }
    guard unsafe add(first) else { return 0 }
    for unsafe piece in unsafe others { guard unsafe add(piece) else { break } }
    return used
  }

  /// Calls `body` with the pieces of the next bytes, as many as fit into one call of the kernel, cut to
  /// `limit` bytes.
  func withPieces<Result, Failure: Error>(
    atMost limit: Int, _ body: (UnsafeBufferPointer<iovec>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // 64 of them are a page each in a 256 KiB request, and 1 KiB of stack.
    // SAFETY: the list is alive within the closure, and as many of its pieces are used as were put there.
    var pieces = unsafe InlineArray<64, iovec>(repeating: iovec())
    var span = unsafe pieces.mutableSpan
    return unsafe try span.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      let used = unsafe list(in: buffer, atMost: limit)
      return unsafe try body(UnsafeBufferPointer(rebasing: buffer[..<used]))
    }
  }

  /// Calls `body` with each contiguous part of the next `bytes`, at most `count`, and moves past them.
  private mutating func forEach(_ bytes: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    var rest = bytes
    while rest > 0 {
      // SAFETY: the part lies in the first piece, which the maker of the segments vouches for.
      let part = unsafe UnsafeMutableRawBufferPointer(start: first.iov_base, count: min(rest, first.iov_len))
      unsafe body(part)
      rest -= part.count
      skip(part.count)
    }
  }

  /// Whether each piece starts at a multiple of `unit` and is one long.
  package func isAligned(to unit: Int) -> Bool {
    // SAFETY: only numbers are looked at.
    var bits = unsafe Int(bitPattern: first.iov_base) | first.iov_len
    for unsafe piece in unsafe others { unsafe bits |= Int(bitPattern: piece.iov_base) | piece.iov_len }
    return bits & (unit - 1) == 0
  }

  /// Fills the next `bytes` with zeros and moves past them.
  package mutating func zero(_ bytes: Int) {
    // SAFETY: the parts are those of this request's buffers.
    unsafe forEach(bytes) { unsafe $0.zero() }
  }

  /// Copies `source` into the next bytes, at least as many, and moves past them.
  mutating func copy(from source: UnsafeRawBufferPointer) {
    precondition(source.count <= count)
    var done = 0
    // SAFETY: the parts together are as long as the source, so each slice of it lies inside.
    unsafe forEach(source.count) { part in
      unsafe part.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[done..<done + part.count]))
      done += part.count
    }
  }

  /// Copies the next bytes over `target`, which is no longer than they are.
  func copy(to target: UnsafeMutableRawBufferPointer) {
    precondition(target.count <= count)
    var rest = self
    var done = 0
    // SAFETY: the parts together are as long as the target, so each slice of it lies inside.
    unsafe rest.forEach(target.count) { part in
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + part.count])
        .copyMemory(from: UnsafeRawBufferPointer(part))
      done += part.count
    }
  }

  /// A copy of the next `bytes`, or of as many as there are.
  func bytes(_ bytes: Int) -> [UInt8] {
    var copy: [UInt8] = []
    var rest = self
    // SAFETY: the parts are those of this request's buffers.
    unsafe rest.forEach(min(bytes, count)) { unsafe copy.append(contentsOf: $0) }
    return copy
  }
}
