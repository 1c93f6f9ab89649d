/// Does to its disk whatever a driver must not do, and tells how the disk answers. A disk whose answer does not come,
/// or that does not work again after a reset, ends the guest.
///
/// | option | |
/// |---|---|
/// | `disk=N` | the disk, counted from 0 |
/// | `flood=N` | only has it ask for a reset, N times |
@main enum HostileGuest: Guest {
  static func run(_ start: StartInfo) {
    var deeds = Deeds(victim: Victim(number: Int(start.options.number("disk") ?? 0)))
    if let count = start.options.number("flood") { return deeds.flood(count) }
    deeds.doAll()
    say("the disk has survived")
  }
}
