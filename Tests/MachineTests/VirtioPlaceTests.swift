import Testing

@testable import Machine

@Suite("Places of virtio devices")
struct VirtioPlaceTests {
  private let places = (0..<VirtioPlace.count).map(VirtioPlace.init)

  /// Each has a window inside the layout's and an interrupt to itself.
  @Test func areApart() {
    let last = Layout.virtio.first.rawValue + Layout.virtio.count
    for (index, place) in places.enumerated() {
      #expect(place.window.rawValue == Layout.virtio.first.rawValue + 512 * UInt64(index))
      #expect(place.window.rawValue + 512 <= last)
      #expect(place.description.window == UInt32(place.window.rawValue))
    }
    let interrupts = Layout.allInterrupts.map(\.gsi)
    #expect(Set(interrupts).count == interrupts.count)
    // Two are KVM's own: its timer's, and the input that joins the two 8259s.
    #expect(Set(interrupts).isDisjoint(with: [0, 2]) && interrupts.allSatisfy { $0 < 24 })
  }

  /// Linux gets to know each device once.
  @Test func areNamedToLinuxWithoutACPI() {
    let two = Array(places.prefix(2))
    #expect(two.completing(nil) == nil)
    #expect(two.completing("console=ttyS0") == "console=ttyS0")
    #expect(two.completing("noacpi=off") == "noacpi=off")
    #expect(
      two.completing("quiet acpi=off")
        == "quiet acpi=off virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6")
    #expect([].completing("acpi=off") == "acpi=off")
    // And none that the person has named.
    for own in ["virtio_mmio.device=512@0xfeb00000:5", "virtio-mmio.device=0x200@4272947200:5:0"] {
      #expect(two.completing("\(own) acpi=off") == "\(own) acpi=off virtio_mmio.device=512@0xfeb00200:6")
    }
    let others = "acpi=off virtio_mmio.device=512@0xd0000000:5 virtio_mmio.device=512 x.device=512@0xfeb00000:5"
    #expect(two.completing(others)?.hasPrefix(others + " virtio_mmio.device=512@0xfeb00000:5 ") == true)
  }
}
