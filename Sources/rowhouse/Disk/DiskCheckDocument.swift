import DiskImage

/// What a check found, as programs read it.
struct DiskCheckDocument: JSONDocument {
  let path: String
  let errorCount: Int
  /// The first of them.
  let errors: [String]
  let leakedClusters: UInt64
  /// Clusters of the disk that have data in this image, compressed ones included.
  let allocatedClusters: UInt64
  let compressedClusters: UInt64

  init(_ report: CheckReport, of path: String) {
    self.path = path
    errorCount = report.errorCount
    errors = report.errors
    leakedClusters = report.leakedClusters
    allocatedClusters = report.allocatedClusters
    compressedClusters = report.compressedClusters
  }
}

extension CheckReport {
  /// 2 is taken by what cannot be checked at all.
  var exitStatus: Int32 { errorCount > 0 ? 4 : leakedClusters > 0 ? 3 : 0 }

  /// The same as people read it: the errors, a line each, and the sum of it.
  func text(of path: String) -> String {
    let data = "clusters with data: \(allocatedClusters), of them compressed: \(compressedClusters)"
    let verdict =
      switch exitStatus {
      case 0: "sound; \(data)"
      case 3: "no errors; leaked clusters: \(leakedClusters); \(data)"
      default: "errors: \(errorCount)"
      }
    return (errors + [verdict]).map { "\(path): \($0)\n" }.joined()
  }
}
