import Host
import Testing

@Suite struct LoopbackAddressTests {
  @Test(arguments: ["127.0.0.1:0", "127.0.0.1:65535", "127.255.0.9:80", "[::1]:5000"])
  func comesBack(text: String) throws { #expect(try LoopbackAddress(text).description == text) }

  @Test(arguments:
    ["", ":", "80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+80", "127.0.0.1: 80"])
  func malformed(text: String) { #expect(throws: LoopbackAddress.Fault.malformed) { try LoopbackAddress(text) } }

  @Test(arguments: [
    "0.0.0.0:80", "128.0.0.1:80", "127.0.0:80", "127.0.0.256:80", "127.0.0.01:80", "127.0.0.+1:80", "127.0.0.1.1:80",
    "[::]:80", "::1:80", "localhost:80", "127.0.0.:80",
  ])
  func notLoopback(text: String) { #expect(throws: LoopbackAddress.Fault.notLoopback) { try LoopbackAddress(text) } }
}
