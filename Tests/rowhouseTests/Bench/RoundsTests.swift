import Testing

@testable import rowhouse

@Suite("The order of a benchmark's turns")
struct RoundsTests {
  @Test(arguments: 1...9)
  func eachHasOneTurnInARound(count: Int) {
    for round in 0..<4 * count { #expect(Rounds.order(round, of: count).sorted() == Array(0..<count)) }
  }

  @Test("Each comes right after each other one equally often", arguments: 2...9)
  func carryOverIsShared(count: Int) {
    let rounds = count % 2 == 0 ? count : 2 * count
    var followed = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    var places = followed
    for round in 0..<rounds {
      let order = Rounds.order(round, of: count)
      for (place, contestant) in order.enumerated() { places[contestant][place] += 1 }
      for (one, next) in zip(order, order.dropFirst()) { followed[one][next] += 1 }
    }
    for one in 0..<count {
      #expect(followed[one].enumerated().allSatisfy { $1 == ($0 == one ? 0 : rounds / count) }, "\(followed)")
      #expect(places[one].allSatisfy { $0 == rounds / count }, "\(places)")
    }
  }
}
