import Host

/// Reading and writing as a row of transfers between memory and files, which whoever runs a request carries out: plain
/// calls one after the other, io_uring many at once.
///
/// Where there are tables (``hasTables``), a flush and all that makes bytes read as zeros may only begin while no
/// transfer is under way, and nothing else may begin before they are done.
extension Disk {
  /// Bytes of one request that lie together in one file.
  package struct Transfer {
    package let file: DiskFile
    /// Where they are in the file, and how many.
    package let offset: UInt64
    package let count: Int
    /// New clusters that the disk gets when the bytes are in them.
    fileprivate let allocation: Qcow2.Allocation?

    /// Carries it out at once, with the first bytes of `segments`.
    package func read(into segments: Segments) throws(ImageError) {
      try file.read(into: segments, count: count, at: offset)
    }

    package func write(_ segments: Segments) throws(ImageError) {
      try file.write(segments, count: count, at: offset)
    }
  }

  /// What comes next in a request.
  package enum Step {
    /// Move these bytes, then ask again with segments and offset moved past them.
    case transfer(Transfer)
    /// Wait until another request has got on.
    case busy
    case done
  }

  /// Fills `segments` from `offset` on as far as no file's data is needed, and moves both past that.
  package func nextRead(into segments: inout Segments, at offset: inout UInt64) throws(ImageError) -> Step {
    while segments.count > 0 {
      let (source, count) = try source(at: offset, count: UInt64(segments.count))
      switch source {
      case .file(let file, let place):
        return .transfer(Transfer(file: file, offset: place, count: Int(count), allocation: nil))
      case .zeros:
        segments.zero(Int(count))
      case .compressed(let image, let cluster, let within):
        // SAFETY: the bytes are valid until the next call, and copied here; `within` and `count` describe a part of one
        // cluster, which is what was inflated.
        let bytes = unsafe try image.inflate(cluster)
        unsafe segments.copy(from: UnsafeRawBufferPointer(rebasing: bytes[Int(within)..<Int(within + count)]))
      }
      offset += count
    }
    return .done
  }

  /// Where the next bytes of `segments`, to be written at `offset`, go; writes what needs a check first, and moves both
  /// past that. A transfer that was carried out is to be handed to ``complete(_:)``, one that failed to
  /// ``abandon(_:)``.
  package func nextWrite(_ segments: inout Segments, at offset: inout UInt64) throws(ImageError) -> Step {
    try requireWritable(offset, UInt64(segments.count))
    if case .raw(let file) = layers[0] { try writeChecked(&segments, at: &offset, file) }
    guard segments.count > 0 else { return .done }
    switch layers[0] {
    case .raw(let file):
      return .transfer(Transfer(file: file, offset: offset, count: segments.count, allocation: nil))
    case .qcow2(let image):
      switch try image.plan(writeAt: offset, count: UInt64(segments.count)) {
      case .inPlace(let place, let count):
        return .transfer(Transfer(file: image.file, offset: place, count: Int(count), allocation: nil))
      case .allocate(let allocation):
        let transfer = Transfer(
          file: image.file, offset: allocation.offset + allocation.before, count: Int(allocation.count),
          allocation: allocation)
        do throws(ImageError) {
          try copySurroundings(of: allocation, writtenAt: offset, image)
        } catch {
          abandon(transfer)
          throw error
        }
        return .transfer(transfer)
      case .busy:
        return .busy
      }
    }
  }

  /// The bytes of a write are in the file: lets the disk have them.
  package func complete(_ transfer: Transfer) throws(ImageError) {
    transfer.file.wrote(upTo: transfer.offset + UInt64(transfer.count))
    if let allocation = transfer.allocation, case .qcow2(let image) = layers[0] { try image.complete(allocation) }
  }

  /// The bytes of a write could not be brought there.
  package func abandon(_ transfer: Transfer) {
    if let allocation = transfer.allocation, case .qcow2(let image) = layers[0] { image.abandon(allocation) }
  }

  // MARK: Flushing

  /// Whether the disk is more than one file's bytes, so that its parts change in an order.
  package var hasTables: Bool {
    if case .qcow2 = layers[0] { true } else { false }
  }

  /// The file that a flush has to sync.
  package var writtenFile: DiskFile { layers[0].file }

  /// Begins a flush.
  ///
  /// - Returns: whether the file is to be synced, and the flush then to be continued.
  package func beginFlush() throws(ImageError) -> Bool {
    guard !isReadOnly else { return false }
    try writtenFile.requireNothingLost()
    guard case .qcow2(let image) = layers[0] else { return true }
    return try image.advanceFlush()
  }

  /// Goes on after a sync.
  ///
  /// - Returns: as ``beginFlush()``.
  package func continueFlush() throws(ImageError) -> Bool {
    // Of two syncs at once, Linux may tell only one that something was lost.
    try writtenFile.requireNothingLost()
    guard case .qcow2(let image) = layers[0] else { return false }
    return try image.advanceFlush()
  }

  /// The sync failed.
  ///
  /// - Returns: what every later flush fails with too.
  package func abandonFlush(_ failure: SystemCallError) -> ImageError {
    if case .qcow2(let image) = layers[0] { image.abandonFlush() }
    return writtenFile.lost(by: failure)
  }
}
