import Testing

@testable import rowhouse

@Suite("What kernels are called beside each other")
struct KernelNamesTests {
  @Test(arguments: [
    (["/boot/vmlinuz", "guests/hello.elf"], ["vmlinuz", "hello.elf"]),
    (["ka/k.elf", "kb/k.elf", "kb/other.elf"], ["ka/k.elf", "kb/k.elf", "other.elf"]),
    (["/x/a/same/k", "/x/b/same/k"], ["a/same/k", "b/same/k"]),
    // One path is the end of the other, or the same but for how it is written.
    (["a/k", "x/a/k"], ["a/k", "x/a/k"]),
    (["k", "./k", "/k"], ["k", "./k", "/k"]),
    (["a/k", "a//k"], ["a/k", "a//k"]),
    (["one"], ["one"]),
  ])
  func asManyFoldersAsTellThemApart(paths: [String], names: [String]) {
    #expect(KernelNames.of(paths) == names)
    #expect(Set(names).count == paths.count)
  }
}
