import Glibc

/// Whether both are there and hold the same bytes. As a fuzzer watches every comparison, the C library makes this one.
func identical(_ one: [UInt8]?, _ other: [UInt8]?) -> Bool {
  guard let one, let other, one.count == other.count else { return false }
  // SAFETY: both arrays have the count, and are only read during the call.
  return unsafe one.withUnsafeBytes { one in
    unsafe other.withUnsafeBytes { other in
      unsafe one.count == 0 || memcmp(one.baseAddress!, other.baseAddress!, one.count) == 0
    }
  }
}
