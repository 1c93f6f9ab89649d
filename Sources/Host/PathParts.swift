extension String {
  /// What a path leads through, with the slash at its end, and the last name in it. A name alone leads through nothing.
  package var pathParts: (folder: Substring, name: Substring) {
    let start = lastIndex(of: "/").map(index(after:)) ?? startIndex
    return (self[..<start], self[start...])
  }
}
