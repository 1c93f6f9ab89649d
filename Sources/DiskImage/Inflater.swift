import CZlib
import Host

/// Reads compressed clusters, and keeps the last one: a guest reads a cluster in several requests.
///
/// Its memory, three clusters, is taken when the first compressed cluster is read.
final class Inflater {
  private let geometry: Geometry
  private let input: Mapping
  private let output: Mapping
  /// Which cluster the output holds.
  private var current: CompressedCluster?

  init(_ geometry: Geometry, path: String) throws(ImageError) {
    self.geometry = geometry
    let size = Int(geometry.clusterSize)
    // The stream takes at most two clusters: see `CompressedCluster.count`.
    input = try host(path) { () throws(SystemCallError) in try Mapping.anonymous(2 * size) }
    output = try host(path) { () throws(SystemCallError) in try Mapping.anonymous(size) }
  }

  /// The cluster's bytes, valid until the next call.
  func inflate(_ cluster: CompressedCluster, from file: DiskFile) throws(ImageError) -> UnsafeRawBufferPointer {
    // SAFETY: the buffers are the mappings' own memory; the stream's length was bounded when its entry was
    // parsed.
    let bytes = unsafe UnsafeRawBufferPointer(start: output.base, count: output.count)
    if current == cluster { return unsafe bytes }
    current = nil
    precondition(cluster.count <= UInt64(input.count))
    let stream = unsafe UnsafeMutableRawBufferPointer(start: input.base, count: Int(cluster.count))
    unsafe try file.read(into: stream, at: cluster.offset)
    // SAFETY: zlib reads and writes no more than the counts that it is given.
    guard unsafe zlib_inflate_raw(stream.baseAddress, stream.count, output.base, output.count) == 1 else {
      throw ImageError(file.path, .corrupt("the compressed cluster at offset \(cluster.offset) cannot be inflated"))
    }
    current = cluster
    return unsafe bytes
  }

  /// Forgets what was inflated: the host clusters that held it may be used anew.
  func forget() { current = nil }
}
