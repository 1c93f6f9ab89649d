import Testing

@testable import Machine

@Suite("--net")
struct NetworkConfigurationTests {
  @Test func options() throws {
    let tap = try NetworkConfiguration(argument: "tap=house0")
    #expect(tap == NetworkConfiguration(.tap("house0")))
    let full = try NetworkConfiguration(argument: "socket=/run/a,b.sock,mac=52:54:00:12:34:5F,mtu=1400")
    #expect(full.end == .socket("/run/a,b.sock"))
    #expect(full.address(host: [1], isListener: true) == [0x52, 0x54, 0, 0x12, 0x34, 0x5f])
    #expect(full.mtu == 1400)
    #expect(full.description == "socket=/run/a,b.sock,mac=52:54:00:12:34:5f,mtu=1400")
  }

  @Test func addressIsStable() throws {
    func address(_ argument: String, host: String = "a", isListener: Bool = false) throws -> [UInt8] {
      try NetworkConfiguration(argument: argument).address(host: Array(host.utf8), isListener: isListener)
    }
    let one = try address("tap=a")
    #expect(one.count == 6 && one[0] == 2)
    #expect(try one == address("tap=a,mtu=100", isListener: true))
    #expect(try one != address("tap=b"))
    #expect(try one != address("tap=a", host: "b"))
    let (first, second) = (try address("socket=/a", isListener: true), try address("socket=/a"))
    #expect(first != second)
    #expect(first.dropLast() == second.dropLast())
    func named(_ guest: String, _ argument: String) throws -> [UInt8]? {
      var card = try NetworkConfiguration(argument: argument)
      card.takeAddress(host: [1], guest: guest)
      return card.mac
    }
    let east = try #require(try named("east", "socket=/a"))
    #expect(east[0] == 2 && east.count == 6)
    #expect(try named("east", "socket=/a,mtu=100") == east)
    #expect(try named("west", "socket=/a") != east)
    #expect(try named("east", "socket=/b") != east)
    #expect(try named("east", "socket=/a,mac=02:00:00:00:00:01") == [2, 0, 0, 0, 0, 1])
    #expect(try named("east", "tap=a") == nil, "a TAP device has one end")
  }

  @Test(arguments: [
    "", "tap=", "socket=", "tap=0123456789abcdef", "user", "tap=a,mac=", "tap=a,mac=1:2:3:4:5:6",
    "tap=a,mac=01:00:00:00:00:00", "tap=a,mac=00:00:00:00:00:0g", "tap=a,mac=00:00:00:00:00:00:00", "tap=a,mtu=67",
    "tap=a,mtu=65536", "tap=a,mac=+1:00:00:00:00:00", "tap=a,mca=02:00:00:00:00:01",
    "socket=/tmp/a,mca=02:00:00:00:00:01", "socket=/tmp/a,Mtu=1400,mac=02:00:00:00:00:01",
    "socket=/tmp/a,tx-bandwith=1M",
  ])
  func refused(argument: String) {
    #expect(throws: ConfigurationError.self) { try NetworkConfiguration(argument: argument) }
  }

  @Test func argumentsComeBack() throws {
    var configuration = Configuration()
    configuration.networks = [
      try NetworkConfiguration(argument: "tap=t,mtu=9000"),
      try NetworkConfiguration(argument: "socket=s,mac=02:00:00:00:00:01"),
    ]
    #expect(try Configuration(arguments: configuration.arguments) == configuration)
  }
}
