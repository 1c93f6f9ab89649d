/// What kernels are called beside each other: by their files' names, with as many folders before them as tell those of
/// one name apart.
enum KernelNames {
  /// - Parameter paths: no two the same.
  static func of(_ paths: [String]) -> [String] {
    paths.map { path in
      let others = paths.filter { $0 != path && end(of: $0, 1) == end(of: path, 1) }
      let count = (1...).first { count in
        let name = end(of: path, count)
        return name == path || !others.contains { end(of: $0, count) == name }
      }
      return end(of: path, count ?? 1)
    }
  }

  /// The last so many parts of a path, all of it as it was written when it has no more.
  private static func end(of path: String, _ count: Int) -> String {
    let parts = path.split(separator: "/")
    return parts.count > count ? parts.suffix(count).joined(separator: "/") : path
  }
}
