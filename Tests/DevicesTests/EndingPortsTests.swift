import Devices
import Testing

@Suite("Ports that end the run")
struct EndingPortsTests {
  let end: EndLatch
  init() throws { end = try EndLatch() }

  @Test(arguments: [(1, 0x7f), (2, 0xbeef), (4, 0xdead_beef)])
  func debugExitHandsOutItsValue(size: Int, value: UInt32) {
    let port = DebugExit(end: end)
    #expect(port.read(offset: 0, size: size) == 0)
    #expect(end.requested == nil)
    port.write(offset: 0, size: size, value: UInt64(value))
    #expect(end.requested == .debugExit(value))
  }

  @Test func resetControlNeedsARisingBit() {
    let port = ResetControl(end: end)
    #expect(port.read(offset: 0, size: 1) == 0)
    port.write(offset: 0, size: 1, value: 0x02)
    port.write(offset: 0, size: 1, value: 0xfb)
    #expect(end.requested == nil)
    #expect(port.read(offset: 0, size: 1) == 0x0a)
    port.write(offset: 0, size: 1, value: 0x06)
    #expect(end.requested == .reset)
  }

  @Test func resetValueResetsAtOnce() {
    let port = ResetControl(end: end)
    port.write(offset: 0, size: 1, value: UInt64(ResetControl.resetValue))
    #expect(end.requested == .reset)
  }

  @Test func resetControlIsOneByte() {
    let port = ResetControl(end: end)
    port.write(offset: 0, size: 2, value: 0x0402)
    #expect(end.requested == nil)
    #expect(port.read(offset: 0, size: 2) == 0xff02)
  }

  @Test func panicEndsTheRun() {
    let port = PVPanic(end: end)
    #expect(port.read(offset: 0, size: 1) == 3)
    port.write(offset: 0, size: 1, value: 0)
    port.write(offset: 0, size: 1, value: 0xfc)
    #expect(end.requested == nil)
    port.write(offset: 0, size: 1, value: 1)
    #expect(end.requested == .panic)
    #expect(!port.handedToCrashKernel)
  }

  @Test func crashKernelGoesOn() {
    let port = PVPanic(end: end)
    port.write(offset: 0, size: 1, value: 2)
    #expect(port.handedToCrashKernel)
    #expect(end.requested == nil)
  }
}
