import DiskImage
import Testing

@testable import rowhouse

@Suite("rowhouse disk: options")
struct DiskCommandTests {
  @Test func createDefaults() throws {
    let creation = try DiskCreateCommand.parse(["d", "3M"]).makeCreation()
    #expect(creation.format == .qcow2 && creation.size == 3 << 20 && creation.clusterSize == 64 << 10)
    #expect(creation.backing == nil)
  }

  @Test func createEveryOption() throws {
    let raw = try DiskCreateCommand.parse(["--format", "raw", "d", "1T"]).makeCreation()
    #expect(raw.format == .raw && raw.size == 1 << 40)
    let small = try DiskCreateCommand.parse(["d", "1K", "--cluster-size", "1K", "--format", "qcow2"]).makeCreation()
    #expect(small.format == .qcow2 && small.size == 1024 && small.clusterSize == 1024)
  }

  @Test func overlayOptions() throws {
    let plain = try DiskOverlayCommand.parse(["base", "over"])
    #expect(plain.base == "base" && plain.path == "over" && plain.baseFormat == nil)
    #expect(try DiskOverlayCommand.parse(["base", "over", "--base-format", "raw"]).baseFormat == .raw)
  }

  @Test(arguments: [
    (["create", "d"], "<size>"),
    (["create", "d", "10"], "size 10"),
    (["create", "d", "0M"], "size 0M"),
    (["create", "d", "1.5G"], "size 1.5G"),
    (["create", "d", "1G", "--format", "vmdk"], "vmdk"),
    (["create", "d", "1G", "--cluster-size", "64"], "--cluster-size 64"),
    (["create", "d", "1G", "--cluster-size", "64K", "--format", "raw"], "--cluster-size 64K"),
    (["create", "/nowhere/d", "1G"], "/nowhere/d: cannot be opened: No such file"),
    (["create", "/dev/null", "1G"], "/dev/null: is there already"),
    (["overlay", "/nowhere/b", "d"], "/nowhere/b: cannot be opened: No such file"),
    (["overlay", "b"], "<path>"),
    (["overlay", "b", "d", "--base-format", "qed"], "qed"),
    (["info", "/dev/null"], "/dev/null: is neither"),
    (["info", "/"], "/: "),
    (["check", "/nowhere/d"], "/nowhere/d"),
    (["check"], "<path>"),
    (["check", "a", "b"], "b"),
    (["frob"], "disk frob: not a command; there are: create, overlay, info, check"),
  ])
  func isRefusedInOneLine(arguments: [String], reason: String) {
    guard case .failure(let line, status: 2) = Rowhouse.perform(["disk"] + arguments) else {
      Issue.record("\(arguments) is accepted")
      return
    }
    #expect(line.contains(reason))
    #expect(!line.contains("\n"))
  }

  @Test(arguments: [["disk"], ["disk", "--help"], ["disk", "check", "--help"], ["help", "disk", "create"]])
  func helpIsAnAnswer(arguments: [String]) {
    guard case .answer(let text) = Rowhouse.perform(arguments) else {
      Issue.record("no help for \(arguments)")
      return
    }
    #expect(text.contains("USAGE: rowhouse disk"))
  }

  @Test(arguments: [
    ("/a/b", "/a/b", ""),
    ("/a", "/a/b", "../"),
    ("/a/b", "/a", "b/"),
    ("/a/bc", "/a/b/d", "../../bc/"),
    ("/", "/a", "../"),
    ("/x/y", "/", "x/y/"),
  ])
  func wayBetweenFolders(target: String, start: String, way: String) {
    #expect(BackingName.relative(target, to: start) == way)
  }

  @Test func noNameLooksLikeAProtocol() throws {
    #expect(try BackingName.of("nbd:x", from: "over") == "./nbd:x")
    #expect(try BackingName.of("/a:b/c", from: "elsewhere/over") == "/a:b/c")
    #expect(try BackingName.of("base", from: "over") == "base")
  }
}
