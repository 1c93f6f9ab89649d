import Testing

@testable import rowhouse

@Suite("The order of a benchmark's turns")
struct RoundsTests {
  @Test(arguments: 1...9)
  func eachHasOneTurnInARound(count: Int) {
    var rounds = Rounds()
    for _ in 0..<4 * count { #expect(rounds.next(of: count).sorted() == Array(0..<count)) }
  }

  @Test("Each comes right after each other one equally often within rounds", arguments: 2...9)
  func carryOverIsShared(count: Int) {
    let number = count % 2 == 0 ? count : 2 * count
    var followed = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    var places = followed
    var rounds = Rounds()
    for _ in 0..<number {
      let order = rounds.next(of: count)
      for (place, contestant) in order.enumerated() { places[contestant][place] += 1 }
      for (one, next) in zip(order, order.dropFirst()) { followed[one][next] += 1 }
    }
    for one in 0..<count {
      #expect(followed[one].enumerated().allSatisfy { $1 == ($0 == one ? 0 : number / count) }, "\(followed)")
      #expect(places[one].allSatisfy { $0 == number / count }, "\(places)")
    }
  }

  @Test("And nearly so over a whole measurement, from each round to the next", arguments: 3...9)
  func bordersAreShared(count: Int) {
    var followed = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    var rounds = Rounds()
    let turns = (0..<200).flatMap { _ in rounds.next(of: count) }
    for (one, next) in zip(turns, turns.dropFirst()) { followed[one][next] += 1 }
    for one in 0..<count {
      #expect(followed[one][one] <= 1, "\(followed)")
      let others = (0..<count).filter { $0 != one }.map { followed[one][$0] }
      #expect(others.max()! - others.min()! <= 12, "\(followed)")
    }
  }

  /// One that has failed has no turns any more.
  @Test func fewerBeginAnew() {
    var rounds = Rounds()
    _ = rounds.next(of: 5)
    for _ in 0..<4 { #expect(rounds.next(of: 3).sorted() == [0, 1, 2]) }
  }
}
