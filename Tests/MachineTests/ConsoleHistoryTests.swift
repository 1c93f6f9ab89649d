import Testing

@testable import Machine

@Suite struct ConsoleHistoryTests {
  @Test("It has the last bytes, as the end of an array has them")
  func model() throws {
    var random = SystemRandomNumberGenerator()
    let capacity = 4096
    let history = try ConsoleHistory(capacity: capacity)
    var model: [UInt8] = []
    #expect(history.last(10) == [])
    for round in 0..<300 {
      // Also pieces that are longer than the whole.
      let count = Int.random(in: 0...(round % 50 == 0 ? 10_000 : 700), using: &random)
      let piece = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      history.append(piece)
      model = Array((model + piece).suffix(capacity))
      for most in [0, 1, Int.random(in: 0...5000, using: &random), capacity, .max] {
        #expect(history.last(most) == Array(model.suffix(most)), "round \(round)")
      }
    }
  }
}
