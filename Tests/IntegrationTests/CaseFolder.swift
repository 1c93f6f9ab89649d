import Foundation

/// A folder with a folder for each case, removed when it is no longer needed.
final class CaseFolder {
  let path: String

  init(for cases: [Case]) throws {
    path = FileManager.default.temporaryDirectory.path + "/rowhouse-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try write(CaseScript.runner, to: "runner")
    try write(CaseScript.all, to: "all")
    for test in cases { try write(test) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private func write(_ test: Case) throws {
    try FileManager.default.createDirectory(atPath: path + "/" + test.name, withIntermediateDirectories: true)
    try write(CaseScript.prelude + test.script + "\n", to: test.name + "/script")
    for (name, bytes) in test.files { try Data(bytes).write(to: URL(filePath: path + "/" + test.name + "/" + name)) }
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
  }
}
