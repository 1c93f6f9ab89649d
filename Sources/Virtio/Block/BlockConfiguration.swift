extension Features {
  /// VIRTIO_BLK_F_… (virtio 1.2, 5.2.3).
  static let blockSizeMax = Features(bit: 1)
  static let blockSegMax = Features(bit: 2)
  static let blockGeometry = Features(bit: 4)
  static let blockReadOnly = Features(bit: 5)
  static let blockBlkSize = Features(bit: 6)
  static let blockFlush = Features(bit: 9)
  static let blockTopology = Features(bit: 10)
  static let blockConfigWCE = Features(bit: 11)
  static let blockDiscard = Features(bit: 13)
  static let blockWriteZeroes = Features(bit: 14)
}

/// What a block device says about itself: features and configuration space (virtio 1.2, 5.2.4).
struct BlockConfiguration {
  static let writebackOffset: UInt64 = 32

  let features: Features
  private let fixed: [UInt8]

  init(of disk: any BlockBackend, hasCache: Bool) {
    let common: Features = [.blockSizeMax, .blockSegMax, .blockGeometry, .blockBlkSize, .blockTopology]
    features = common.union(disk.isReadOnly ? .blockReadOnly : [.blockDiscard, .blockWriteZeroes])
      .union(hasCache ? [.blockFlush, .blockConfigWCE] : [])

    let sectors = disk.byteCount / BlockRequest.sectorBytes
    var bytes: [UInt8] = []
    bytes.append(little: sectors)
    bytes.append(little: Block.mostSegmentBytes)  // size_max
    bytes.append(little: Block.mostSegments)  // seg_max
    // The geometry that BIOSes gave disks whose true one they could not tell: 63 sectors, 16 heads.
    bytes.append(little: UInt16(clamping: sectors / (63 * 16)))
    bytes += [16, 63]
    bytes.append(little: UInt32(BlockRequest.sectorBytes))  // blk_size
    let blocks = UInt16(clamping: UInt64(disk.preferredBytes) / BlockRequest.sectorBytes)
    bytes += [UInt8(blocks.trailingZeroBitCount), 0]  // physical_block_exp, alignment_offset
    bytes.append(little: blocks)  // min_io_size
    bytes.append(little: UInt32(0))  // opt_io_size: whatever the driver likes
    bytes += [0, 0]  // writeback is put in when it is read, then unused0
    bytes.append(little: UInt16(1))  // num_queues
    bytes.append(little: UInt32(Block.mostSectorsAtOnce))  // max_discard_sectors
    bytes.append(little: UInt32(1))  // max_discard_seg
    bytes.append(little: disk.discardBytes / UInt32(BlockRequest.sectorBytes))  // discard_sector_alignment
    bytes.append(little: UInt32(Block.mostSectorsAtOnce))  // max_write_zeroes_sectors
    bytes.append(little: UInt32(1))  // max_write_zeroes_seg
    bytes += [1, 0, 0, 0]  // write_zeroes_may_unmap, unused1
    fixed = bytes
  }

  func bytes(isWriteBack: Bool) -> [UInt8] {
    var bytes = fixed
    bytes[Int(Self.writebackOffset)] = isWriteBack ? 1 : 0
    return bytes
  }
}
