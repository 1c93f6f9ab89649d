import Testing

@testable import rowhouse

@Suite("The progress bar")
struct ProgressBarTests {
  @Test(arguments: [
    (0, 4, "[..............................] 0/4"), (1, 4, "[#######.......................] 1/4"),
    (4, 4, "[##############################] 4/4"), (5, 4, "[##############################] 5/4"),
    (0, 0, "[##############################] 0/0"), (1, 0, "[##############################] 1/0"),
  ])
  func isNeverFullerThanFull(done: Int, total: Int, text: String) {
    #expect(ProgressBar.text(done, of: total) == text)
  }
}
