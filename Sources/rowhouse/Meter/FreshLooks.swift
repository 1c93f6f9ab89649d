import Host

extension [GuestFolder] {
  /// How long VMMs may take to answer, all together, in nanoseconds.
  private static var patience: UInt64 { 500_000_000 }

  /// Looks at each guest when its VMM has taken a sample, and says of those that gave no answer that they are silent. A
  /// guest that has ended, or whose VMM refuses, keeps its last sample.
  ///
  /// - Parameter earlier: what was seen just before: who was silent then is not asked again.
  /// - Returns: in their order; nil for one that has gone.
  func freshLooks(after earlier: [GuestFolder.Look?] = []) -> [GuestFolder.Look?] {
    var silent = Set(zip(self, earlier).lazy.filter { $1?.isSilent == true }.map(\.0.name))
    let failures = ControlRound([.sample], to: filter { !silent.contains($0.name) })
      .failures(until: .now.advanced(byNanoseconds: Self.patience))
    for (guest, failure) in failures where failure.isNoAnswer { silent.insert(guest.name) }
    return map { guest in
      var look = try? guest.look()
      look?.isSilent = silent.contains(guest.name)
      return look
    }
  }
}
