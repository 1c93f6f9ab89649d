/// What tells this host from others, and stays: machine-id(5), which systemd and D-Bus make when a host is installed.
package enum HostIdentity {
  private static let digits = 32

  /// The identity's text; empty on a host that has none.
  package static var bytes: [UInt8] {
    let file = try? Descriptor.open("/etc/machine-id", .readOnly)
    guard let file else { return [] }
    return (try? file.read(count: digits, at: 0)) ?? []
  }
}
