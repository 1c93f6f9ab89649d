import Testing

@testable import rowhouse

@Suite("Statistics")
struct StatisticsTests {
  /// The first numbers of the author's own program, for seed 1234567.
  @Test func splitMix64() {
    var random = SplitMix64(seed: 1_234_567)
    let numbers = (0..<3).map { _ in random.next() }
    #expect(numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
  }

  @Test func quantilesLieBetweenNeighbours() throws {
    let sample = try #require(Sample([4, 1, 3, 2].map { Double($0) }))
    #expect((sample.minimum, sample.maximum) == (1, 4))
    #expect(sample.median == 2.5)
    #expect(abs(sample.p90 - 3.7) < 1e-12)
    let one = try #require(Sample([7.0]))
    #expect([one.minimum, one.median, one.p90, one.maximum] == [7, 7, 7, 7])
    #expect(Sample([Double]()) == nil)
  }

  /// The median of as many draws from n values, n odd, is at most the k-th of them when more than half of the draws
  /// are: the binomial distribution says how often. So the 2.5 % and 97.5 % of it are known: for 11 values 0.7 % lie
  /// below the third and 5.1 % up to it, for 7 values 1 % below the second and 10.8 % up to it.
  @Test("The interval of a median is where the binomial distribution has it", arguments: [
    (5, 1...5), (7, 2...6), (11, 3...9),
  ] as [(Int, ClosedRange<Double>)])
  func knownInterval(count: Int, interval: ClosedRange<Double>) throws {
    #expect(Bootstrap.median(of: try #require(Sample((1...count).map { Double($0) }))) == interval)
  }

  @Test("The interval of a median holds the true one as often as it says")
  func coverage() throws {
    var random = SplitMix64(seed: 42)
    var hits = 0
    let trials = 200
    for _ in 0..<trials {
      // Uniform from 0 to 1: the true median is 0.5.
      let sample = try #require(Sample((0..<11).map { _ in Double.random(in: 0..<1, using: &random) }))
      if try #require(Bootstrap.median(of: sample)).contains(0.5) { hits += 1 }
    }
    // From the third of 11 values to the ninth is the true median in 93.5 of 100 samples; the middle 99.9 % of 200
    // trials of that. From the smallest to the largest it is in 99.9 of 100.
    #expect((174...197).contains(hits), "\(hits) of \(trials)")
  }

  @Test("A ratio's interval holds the true one, and leaves 1 out when the difference is real")
  func ratio() throws {
    var random = SplitMix64(seed: 7)
    func noisy(_ middle: Double) throws -> Sample {
      try #require(Sample((0..<20).map { _ in middle * Double.random(in: 0.9..<1.1, using: &random) }))
    }
    let interval = try #require(Bootstrap.ratio(of: try noisy(50), to: try noisy(100)))
    #expect(interval.contains(0.5) && interval.upperBound < 0.7)
    #expect(try #require(Bootstrap.ratio(of: try noisy(100), to: try noisy(100))).contains(1))
  }

  private func change(_ before: [Double], _ after: [Double]) throws -> Change {
    Change(before: try #require(Sample(before)), after: try #require(Sample(after)))
  }

  @Test func changeIsDividedByTheGeometricMeanOfOthers() throws {
    func constant(_ before: Double, _ after: Double) throws -> Change {
      try change(.init(repeating: before, count: 5), .init(repeating: after, count: 5))
    }
    let ratio = Ratio(
      of: try constant(10, 20), beside: [try constant(1, 2), try constant(3, 24)], chance: 0.05)
    for value in [ratio.value, try #require(ratio.low), try #require(ratio.high)] { #expect(abs(value - 0.5) < 1e-12) }
  }

  @Test("What changes for all is no change beside others, in an interval that is wider the less it leaves to chance")
  func changeBesideOthers() throws {
    var random = SplitMix64(seed: 11)
    func noisy(_ middle: Double) -> [Double] {
      (0..<20).map { _ in middle * Double.random(in: 0.9..<1.1, using: &random) }
    }
    let (own, other) = (try change(noisy(100), noisy(150)), try change(noisy(50), noisy(75)))
    #expect(try #require(Bootstrap.ratio(of: own.after, to: own.before)).lowerBound > 1)
    let wide = try #require(Bootstrap.factor(of: own, beside: [other], chance: 0.001))
    let narrow = try #require(Bootstrap.factor(of: own, beside: [other], chance: 0.05))
    #expect(wide.contains(1) && wide.lowerBound < narrow.lowerBound && wide.upperBound > narrow.upperBound)
  }

  /// Page faults may be none in some runs: three such of five draws, and there is nothing to divide by.
  @Test func quotientByWhatMayBeNothingHasNoInterval() throws {
    let (some, none) = (try #require(Sample([1.0, 1, 1, 1, 1])), try #require(Sample([0.0, 0, 1, 1, 1])))
    #expect(Bootstrap.ratio(of: some, to: none) == nil && Bootstrap.ratio(of: none, to: none) == nil)
    #expect(Bootstrap.ratio(of: none, to: some) == 0...1)
  }

  @Test func sameRunsSameInterval() throws {
    let sample = try #require(Sample([3.0, 1, 4, 1, 5, 9, 2, 6]))
    #expect(Bootstrap.median(of: sample) == Bootstrap.median(of: sample))
    let same = try #require(Sample([2.0, 2, 2, 2, 2]))
    #expect(Bootstrap.median(of: same) == 2...2)
  }

  /// Of four runs it would hold the true median in at most 88 of 100 samples.
  @Test func fewRunsHaveNoInterval() throws {
    let five = try #require(Sample((1...5).map { Double($0) }))
    for count in 1...4 {
      let few = try #require(Sample((1...count).map { Double($0) }))
      #expect(Bootstrap.median(of: few) == nil)
      #expect(Bootstrap.ratio(of: few, to: five) == nil && Bootstrap.ratio(of: five, to: few) == nil)
      let (short, long) = (Change(before: five, after: few), Change(before: five, after: five))
      #expect(Bootstrap.factor(of: short, beside: [long], chance: 0.05) == nil)
      #expect(Bootstrap.factor(of: long, beside: [short], chance: 0.05) == nil)
      #expect(Summary(few).medianLow == nil && Summary(few).intervalText == nil)
      #expect(Ratio(of: few, to: few).text == "1.000")
    }
    #expect(Ratio(of: five, to: five).low != nil && Summary(five).medianHigh != nil)
  }

  @Test(arguments: [
    (0.0449, 2, "0.04"), (0.996, 2, "1.00"), (12345.6, 0, "12346"), (-1.5, 1, "-1.5"), (-0.001, 2, "0.00"),
    (0, 3, "0.000"),
    (8.4, 2, "8.40"),
  ] as [(Double, Int, String)])
  func fixedPoint(value: Double, decimals: Int, text: String) { #expect(value.fixed(decimals) == text) }
}
