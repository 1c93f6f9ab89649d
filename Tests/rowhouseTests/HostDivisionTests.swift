import Host
import Testing

@testable import Metering
@testable import rowhouse

@Suite("rowhouse host")
struct HostDivisionTests {
  private func meter(
    _ cpuTime: UInt64, read: UInt64 = 0, sent: Int = 0, at second: UInt64, disks: [RateLimits] = [],
    networks: [RateLimits] = [], quota: CPUQuota? = nil
  ) throws -> HostDivision.Reading {
    let file = SharedDescriptor(try .memory(named: "meter"))
    let shape = MeterShape(cpuCount: 2, diskCount: disks.count, networkCount: networks.count)
    let page = try MeterPage(
      in: SharedDescriptor(try .duplicate(of: file.number)), shape, memoryBytes: 1 << 30, process: 1)
    page.setAllotment(quota)
    page.cpu(1).raiseTimeRun(to: cpuTime)
    for (index, limits) in disks.enumerated() {
      page.disk(index).show(limits)
      page.disk(index).count(.toGuest, bytes: read, latency: 1)
      page.disk(index).count(.fromGuest, bytes: read, latency: 1)
    }
    for (index, limits) in networks.enumerated() {
      page.network(index).show(limits)
      page.network(index).count(.fromGuest, bytes: sent)
    }
    let now = Instant(nanoseconds: second * 1_000_000_000)
    page.setSample(
      at: now, deviceNanoseconds: cpuTime / 4, resident: 256 << 20, residentPeak: 0, residentKibibyteSeconds: 0)
    return .init(try #require(try MeterReading(of: file.descriptor)), at: now)
  }

  /// A machine without limits of its own, or of this test's.
  private func machine(
    cpus: Int = 2, of hostCPUs: Int = 2, cpuGroup: ControlGroupCPU? = nil, memory: UInt64 = 4 << 30,
    memoryGroup: ControlGroupMemory? = nil
  ) -> HostLimits {
    HostLimits(
      cpuCount: cpus, of: hostCPUs, cpuGroup: cpuGroup, memoryBytes: memory, memoryGroup: memoryGroup)
  }

  private func empty(_ limits: HostLimits, overcommit: Double? = nil) -> HostDivision {
    HostDivision(
      limits,
      MemoryBudget(
        factor: overcommit ?? 1, overcommit.map { _ in "/etc/rowhouse/overcommit" }, hostBytes: limits.hostMemoryBytes,
        within: limits.memoryGroup))
  }

  private func limits(_ rates: [RateLimits.Quantity: UInt64]) -> RateLimits {
    var limits = RateLimits()
    for (quantity, rate) in rates { limits[.rate(quantity)] = rate }
    return limits
  }

  /// Two guests with a disk, of which one has a card.
  private func division(limited: Bool) throws -> HostDivision {
    var division = empty(machine())
    let quota = CPUQuota(nanoseconds: 5_000_000, periodNanoseconds: 10_000_000, burstNanoseconds: 0)
    let disk = limits([.bytes: 6 << 20])
    let other = limited ? limits([.bytesToGuest: 1 << 20, .bytesFromGuest: 1 << 20]) : RateLimits()
    division.add(
      "mail", try meter(800_000_000, read: 4 << 20, at: 3, disks: [disk], quota: quota),
      since: try meter(0, read: 0, at: 1, disks: [disk], quota: quota))
    division.add(
      "web", try meter(1_600_000_000, read: 1 << 20, sent: 2 << 20, at: 3, disks: [other], networks: [RateLimits()]),
      since: try meter(0, read: 0, at: 1, disks: [other], networks: [RateLimits()]))
    return division
  }

  @Test func figures() throws {
    let division = try division(limited: true)
    let (mail, web) = (division.guests[0], division.guests[1])
    // What vCPUs use is beside what they may use, devices are apart.
    #expect(mail.cpu == .init(allotted: 5000, used: 4000) && web.cpu == .init(allotted: 20_000, used: 8000))
    #expect(mail.devices == 1000 && web.devices == 2000)
    #expect(mail.memory == .init(allotted: 1 << 30, used: 256 << 20))
    #expect(mail.disk == .init(limit: .bytes(6 << 20), used: 4 << 20) && mail.network == nil)
    #expect(web.disk == .init(limit: .bytes(2 << 20), used: 1 << 20))
    #expect(web.network == .init(limit: .none, used: 1 << 20))
  }

  @Test("Only what holds all bytes is a limit of bytes")
  func limitsOfManyDevices() {
    let (both, read, operations) = (limits([.bytes: 5]), limits([.bytesToGuest: 3]), limits([.operations: 9]))
    #expect(HostDivision.Flow.Limit([both, both]) == .bytes(10))
    #expect(HostDivision.Flow.Limit([limits([.bytesToGuest: 3, .bytesFromGuest: 4])]) == .bytes(7))
    #expect(HostDivision.Flow.Limit([limits([.bytesToGuest: 3, .bytesFromGuest: 4, .bytes: 6])]) == .bytes(6))
    for partial in [[read], [operations], [both, RateLimits()]] {
      #expect(HostDivision.Flow.Limit(partial) == .partial)
    }
    #expect(HostDivision.Flow.Limit([RateLimits()]) == .none)
  }

  @Test func aDivisionAsText() throws {
    #expect(DivisionText(try division(limited: true), columns: 60).text == """
      2 guests on 2 CPUs and 4.00 GiB of memory
      cpu
        may use [aaaaaabbbbbbbbbbbbbbbbbb>]   250% of 200%
        uses    [aaaaaabbbbbbbbbbbbb......]   150%
        a mail 40% of 50%, devices 10%
        b web 80% of 200%, devices 20%
      memory
        may use [aaaaaabbbbbb.............]   2.00 GiB of 4.00 GiB
        uses    [aab......................]   512 MiB
        a mail 256 MiB of 1.00 GiB   b web 256 MiB of 1.00 GiB
      disk
        may use [aaaaaaaaaaaaaaaaaaabbbbbb]   8.00 MiB/s
        uses    [aaaaaaaaaaaabbbb.........]   5.00 MiB/s
        a mail 4.00 MiB/s of 6.00 MiB/s
        b web 1.00 MiB/s of 2.00 MiB/s   . free 3.00 MiB/s
      network
        may use no limit
        uses    [bbbbbbbbbbbbbbbbbbbbbbbbb]   1.00 MiB/s
        b web 1.00 MiB/s, no limit

      """)
  }

  @Test("Without all limits the disks' bar is of what is used, and says who has none")
  func aDiskWithoutLimit() throws {
    let text = DivisionText(try division(limited: false), columns: 60).text
    #expect(text.contains("""
      disk
        may use no limit for 1 of 2
        uses    [aaaaaaaaaaaaaaaaaaaabbbbb]   5.00 MiB/s
        a mail 4.00 MiB/s of 6.00 MiB/s
        b web 1.00 MiB/s, no limit
      network
      """))
  }

  @Test(arguments: [40, 60, 80, 200]) func fitsTheTerminal(columns: Int) throws {
    let lines = DivisionText(try division(limited: true), columns: columns).text.split(separator: "\n")
    let bars = lines.filter { $0.contains("[") }
    #expect(bars.count == 7)
    // Of all bars the one with the longest words ends at the edge.
    #expect(columns == 40 || bars.map(\.count).max() == columns)
    #expect(lines.allSatisfy { $0.count <= max(columns, 45) })
  }

  @Test("Colours change nothing else")
  func colors() throws {
    let division = try division(limited: true)
    let colored = DivisionText(division, isColored: true).text
    #expect(colored.contains("\u{1b}[31ma\u{1b}[39m mail") && colored.contains("\u{1b}[32mb\u{1b}[39m web"))
    #expect(colored.replacing(#/\u{1b}\[[0-9]+m/#, with: "") == DivisionText(division).text)
  }

  @Test func nobodyIsThere() {
    let text = DivisionText(empty(machine(cpus: 1, of: 1, memory: 1 << 30))).text
    #expect(text.hasPrefix("0 guests on 1 CPU and 1.00 GiB of memory\ncpu\n  may use [."))
    #expect(text.hasSuffix("network\n  may use no guest has one\n"))
  }

  @Test func bars() {
    func bar(_ parts: [(owner: BarOwner, amount: UInt64)], of whole: UInt64) -> String {
      DivisionBar(parts, of: whole, width: 12).text(isColored: false)
    }
    #expect(bar([], of: 100) == "[..........]")
    #expect(bar([(.guest(0), 50), (.others, 20)], of: 100) == "[aaaaa##...]")
    // Half a cell is one, together with what comes before: no bar is longer than what it shows.
    #expect(bar([(.guest(0), 4), (.guest(1), 4), (.guest(2), 4)], of: 100) == "[b.........]")
    #expect(bar([(.guest(51), 100)], of: 100) == "[ZZZZZZZZZZ]" && bar([(.guest(52), 101)], of: 100) == "[+++++++++>]")
    #expect(bar([(.guest(0), .max), (.guest(1), .max)], of: .max) == "[aaaaaaaaa>]")
    #expect(bar([(.guest(0), 0)], of: 0) == "[..........]")
  }

  @Test func theMachinesOwnFigures() throws {
    let memory = "MemTotal:    8000 kB\nMemFree:    100 kB\nMemAvailable:   6000 kB\n"
    func load(_ first: String, _ second: String, on cpus: Set<Int>) throws -> MachineLoad {
      let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 \(first) 0 0\ncpu1 \(second) 0 0\nintr 5\n"
      return try #require(MachineLoad(stat: stat, memory: memory, isCounted: cpus.contains))
    }
    // 25 of 30 ticks of the first, 5 of 10 of the second; waiting for a disk is idling.
    for (cpus, share) in [([0, 1], 15_000), ([0], 8333), ([1], 5000)] as [(Set<Int>, UInt64)] {
      let before = try load("100 0 50 1000 20 0 0 7", "3 0 0 10 0 0 0 0", on: cpus)
      let after = try load("110 3 60 1001 24 1 0 8", "5 2 1 15 0 0 0 0", on: cpus)
      #expect(after.cpuShare(since: before) == share && after.cpuShare(since: after) == 0)
      #expect(after.memoryInUse == 2000 << 10)
    }
    for stat in ["", "cpu 1 2 3 4 5 6 7 8", "cpu0 1 2"] {
      #expect(MachineLoad(stat: stat, memory: memory, isCounted: { _ in true }) == nil)
    }
  }

  @Test("With --cgroup the quota holds all of the VMM, and so the share is of all")
  func aQuotaThatHoldsDevices() throws {
    var division = empty(machine())
    let quota = CPUQuota(nanoseconds: 5_000_000, periodNanoseconds: 10_000_000, burstNanoseconds: 0)
    for quota in [quota, nil] {
      division.add(
        "mail", try meter(800_000_000, at: 3, quota: quota), since: try meter(0, at: 1, quota: quota),
        isHeldWhole: true)
    }
    #expect(division.guests[0].cpu == .init(allotted: 5000, used: 5000) && division.guests[0].devices == nil)
    #expect(DivisionText(division).text.contains("a mail 50% of 50%   "))
    #expect(division.guests[1].cpu == .init(allotted: 20_000, used: 4000) && division.guests[1].devices == 1000)
    let json = HostDocument(division).json
    #expect(json.contains("\"device_used_basis_points\" : 1000") && json.contains("\"cpu_used_basis_points\" : 5000"))
  }

  @Test("Of a silent guest nobody knows what it uses, but what it may use")
  func aSilentGuest() throws {
    var division = empty(machine())
    let before = try meter(0, at: 1)
    division.add("mail", .init(try meter(800_000_000, at: 3).meter, .silent, at: before.at), since: before)
    let text = DivisionText(division).text
    #expect(text.hasPrefix("1 guest (1 silent) on 2 CPUs and 4.00 GiB of memory\n"))
    #expect(text.contains("a mail silent, may use 200%\n") && text.contains("a mail silent, may use 1.00 GiB\n"))
    let json = HostDocument(division).json
    #expect(json.contains("\"state\" : \"silent\"") && !json.contains("used_basis") && !json.contains("resident"))
  }

  @Test("What makes the machine less for this shell is named, and memory is promised out of the budget")
  func limitsOfThisShell() throws {
    let memory = ControlGroupMemory(bytes: 512 << 20, path: "/sys/fs/cgroup/box/memory.max")
    let cpu = ControlGroupCPU(basisPoints: 15_000, path: "/sys/fs/cgroup/cpu.max")
    for (limits, text) in [
      (machine(), "2 CPUs and 4.00 GiB of memory"), (machine(cpus: 1, of: 1), "1 CPU and 4.00 GiB of memory"),
      (machine(cpus: 1, of: 4), "1 of 4 CPUs (by CPU affinity) and 4.00 GiB of memory"),
      (machine(cpus: 2, of: 4, cpuGroup: cpu), "150% of 2 CPUs (by /sys/fs/cgroup/cpu.max) and 4.00 GiB of memory"),
      // More than there is limits nothing.
      (machine(cpus: 1, of: 2, cpuGroup: cpu), "1 of 2 CPUs (by CPU affinity) and 4.00 GiB of memory"),
      (machine(memory: 256 << 20, memoryGroup: memory), "2 CPUs and 256 MiB of memory"),
      (machine(memoryGroup: memory), "2 CPUs and 512 MiB of memory (by /sys/fs/cgroup/box/memory.max)"),
    ] { #expect(limits.text == text) }

    var division = empty(machine(cpuGroup: cpu, memoryGroup: memory), overcommit: 2)
    division.add("mail", try meter(0, at: 3), since: try meter(0, at: 1), promised: 512 << 20)
    let text = DivisionText(division, columns: 60).text
    #expect(text.contains(/may use \[a+\.+\]   512 MiB of 1.00 GiB\n/), "\(text)")
    #expect(text.contains("  budget by /etc/rowhouse/overcommit within /sys/fs/cgroup/box/memory.max\n"))
    #expect(text.contains("200% of 150%"))
    let json = HostDocument(division).json
    for pair in [
      "cpu_basis_points\" : 15000", "cpu_limited_by\" : \"/sys/fs/cgroup/cpu.max\"", "memory_bytes\" : 536870912",
      "memory_limited_by\" : \"/sys/fs/cgroup/box/memory.max\"", "memory_budget_bytes\" : 1073741824",
      "memory_allotted_bytes\" : 536870912",
    ] { #expect(json.contains("\"" + pair), "\(json)") }
  }
}
