import Host

/// Reading and changing the disk with plain calls that wait for the host.
///
/// What was allocated since the last ``flush()`` is lost when the disk is let go without one, as after a
/// crash.
extension Disk {
  /// Fills all of `segments` from `offset` on.
  package func read(_ segments: Segments, at offset: UInt64) throws(ImageError) {
    try requireInside(offset, UInt64(segments.count))
    var segments = segments
    var offset = offset
    while case .transfer(let transfer) = try nextRead(into: &segments, at: &offset) {
      try transfer.read(into: segments)
      segments.skip(transfer.count)
      offset += UInt64(transfer.count)
    }
  }

  /// Writes all of `segments` from `offset` on.
  package func write(_ segments: Segments, at offset: UInt64) throws(ImageError) {
    try requireWritable(offset, UInt64(segments.count))
    var segments = segments
    var offset = offset
    while true {
      switch try nextWrite(&segments, at: &offset) {
      case .done: return
      case .busy: preconditionFailure("plain calls leave nothing under way")
      case .transfer(let transfer):
        do throws(ImageError) {
          try transfer.write(segments)
        } catch {
          abandon(transfer)
          throw error
        }
        try complete(transfer)
        segments.skip(transfer.count)
        offset += UInt64(transfer.count)
      }
    }
  }

  func requireWritable(_ offset: UInt64, _ count: UInt64) throws(ImageError) {
    guard !isReadOnly else { throw ImageError(layers[0].file.path, .readOnly) }
    try requireInside(offset, count)
  }

  /// Writes the disk's first sector, where that must not look like another format (see ``ImageFormat``), and moves
  /// `segments` and `offset` past it. A guest may change its memory at any time: what is checked and written is a copy.
  func writeChecked(_ segments: inout Segments, at offset: inout UInt64, _ file: DiskFile) throws(ImageError) {
    guard isGuessedRaw, offset < 4, segments.count > 0 else { return }
    var copy = segments.bytes(512 - Int(offset))
    let before = try file.bytes(Int(offset), at: 0)
    guard !ImageFormat.looksLikeQcow2(before + copy) else { throw ImageError(file.path, .wouldChangeFormat) }
    let place = offset
    var span = copy.mutableSpan
    // SAFETY: the array's own memory, for the call, which only reads it.
    unsafe try span.withUnsafeMutableBytes { bytes throws(ImageError) in
      unsafe try file.write(Segments(bytes), count: bytes.count, at: place)
    }
    segments.skip(copy.count)
    offset += UInt64(copy.count)
  }

  /// Copies to new clusters what the disk holds around the bytes that will be written there. Before these are: past the
  /// page cache they could not share a page with what goes through it.
  func copySurroundings(
    of allocation: Qcow2.Allocation, writtenAt offset: UInt64, _ image: Qcow2
  ) throws(ImageError) {
    try copy(allocation.before, from: offset - allocation.before, to: allocation.offset, allocation, image)
    let end = allocation.offset + allocation.before + allocation.count
    try copy(allocation.after, from: offset + allocation.count, to: end, allocation, image)
  }

  private func copy(
    _ count: UInt64, from offset: UInt64, to place: UInt64, _ allocation: Qcow2.Allocation, _ image: Qcow2
  ) throws(ImageError) {
    var (offset, place) = (offset, place)
    let end = offset + count
    while offset < end {
      // The last cluster may reach beyond the disk.
      guard offset < size else {
        if !allocation.isFresh { try image.file.writeZeros(at: place, count: end - offset) }
        return
      }
      let (source, length) = try source(at: offset, count: min(end, size) - offset)
      if case .zeros = source {
        if !allocation.isFresh { try image.file.writeZeros(at: place, count: length) }
        offset += length
        place += length
      } else {
        let count = min(Int(length), Disk.copySize)
        // SAFETY: the buffer is this disk's own, and `count` is at most its size.
        let buffer = unsafe copySpace(count)
        unsafe try read(Segments(buffer), at: offset)
        unsafe try image.file.write(UnsafeRawBufferPointer(buffer), at: place)
        offset += UInt64(count)
        place += UInt64(count)
      }
    }
  }

  static let copySize = 64 << 10

  private func copySpace(_ count: Int) -> UnsafeMutableRawBufferPointer {
    // SAFETY: the mapping lives as long as this disk, and `count` is at most its size.
    unsafe UnsafeMutableRawBufferPointer(start: copyBuffer.base, count: count)
  }

  // MARK: Zeroing and discarding

  /// Makes bytes read as zeros.
  ///
  /// - Parameter keepingRoom: keeps what room they take in the file.
  package func zero(at offset: UInt64, count: UInt64, keepingRoom: Bool) throws(ImageError) {
    try requireWritable(offset, count)
    switch layers[0] {
    case .raw(let file):
      if keepingRoom {
        try file.zero(at: offset, count: count)
      } else if try !file.punchHole(at: offset, count: count) {
        try file.writeZeros(at: offset, count: count)
      }
    case .qcow2(let image):
      let (head, whole, tail) = parts(offset, count, image.geometry)
      try writeZeros(head)
      _ = try image.clear(whole, keepingRoom: keepingRoom)
      try writeZeros(tail)
    }
  }

  /// The most bytes that ``zero(at:count:keepingRoom:)`` may have to write where it need not keep their room.
  package func bytesToZero(at offset: UInt64, count: UInt64) -> UInt64 {
    switch layers[0] {
    case .raw(let file): return file.alwaysPunches ? 0 : count
    case .qcow2(let image):
      let (head, _, tail) = parts(offset, count, image.geometry)
      return UInt64(head.count) + UInt64(tail.count)
    }
  }

  /// Tells that bytes are no longer needed. Those that are given back read as zeros.
  package func discard(at offset: UInt64, count: UInt64) throws(ImageError) {
    try requireWritable(offset, count)
    switch layers[0] {
    case .raw(let file): _ = try file.punchHole(at: offset, count: count)
    case .qcow2(let image): _ = try image.clear(parts(offset, count, image.geometry).whole, keepingRoom: false)
    }
  }

  /// The whole clusters among bytes, and what is before and after them.
  ///
  /// The disk's last cluster is whole when its bytes up to the disk's end are there.
  private func parts(
    _ offset: UInt64, _ count: UInt64, _ geometry: Geometry
  ) -> (head: Range<UInt64>, whole: Range<UInt64>, tail: Range<UInt64>) {
    let end = offset + count
    let bits = UInt64(geometry.clusterBits)
    let first = geometry.clusters(offset)
    let last = end == size ? geometry.clusters(end) : end >> bits
    guard first < last else { return (offset..<end, 0..<0, end..<end) }
    return (offset..<first << bits, first..<last, min(end, last << bits)..<end)
  }

  /// Writes zeros to bytes that do not read as zeros yet.
  private func writeZeros(_ bytes: Range<UInt64>) throws(ImageError) {
    var offset = bytes.lowerBound
    while offset < bytes.upperBound {
      let (source, length) = try source(at: offset, count: bytes.upperBound - offset)
      let count = min(Int(length), Disk.copySize)
      if case .zeros = source {
        offset += length
        continue
      }
      // SAFETY: the segments are used up before the memory, which is this function's, ends.
      let memory = try host(layers[0].file.path) { () throws(SystemCallError) in try Mapping.anonymous(count) }
      unsafe try write(Segments(UnsafeMutableRawBufferPointer(start: memory.base, count: count)), at: offset)
      offset += UInt64(count)
    }
  }

  // MARK: Flushing

  /// Returns when all that was written is on stable storage.
  package func flush() throws(ImageError) {
    guard !isReadOnly else { return }
    switch layers[0] {
    case .raw(let file): try file.sync()
    case .qcow2(let image): try image.flush()
    }
  }
}
