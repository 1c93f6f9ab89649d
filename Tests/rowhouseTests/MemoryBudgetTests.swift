import Host
import Machine
import Testing

@testable import rowhouse

@Suite("The host's memory budget")
struct MemoryBudgetTests {
  private let budget = MemoryBudget(factor: 1.5, "--overcommit", hostBytes: 4 << 30, within: nil)

  @Test func whatFitsIsTaken() throws {
    #expect(budget.bytes == 6 << 30)
    try budget.check(6 << 30, promised: 0)
    try budget.check(2 << 30, promised: 4 << 30)
  }

  @Test func whatDoesNotIsRefusedWithTheArithmetic() {
    #expect(
      throws: ConfigurationError(
        "--memory 3G",
        """
        4.00 GiB for the guests that run + 3.00 GiB are more than the host's budget of 6.00 GiB by --overcommit; give less, \
        stop a guest, or raise it with --overcommit
        """)
    ) { try budget.check(3 << 30, promised: 4 << 30) }
    #expect(throws: ConfigurationError.self) { try budget.check(1 << 20, promised: 7 << 30) }
    #expect(throws: ConfigurationError.self) { try budget.check(.max, promised: .max) }
  }

  @Test func aControlGroupHasLess() {
    let group = ControlGroupMemory(bytes: 2 << 30, path: "/sys/fs/cgroup/box/memory.max")
    let budget = MemoryBudget(factor: 1, nil, hostBytes: 4 << 30, within: group)
    #expect(budget.bytes == 2 << 30)
    #expect(MemoryBudget(factor: 1.5, "--overcommit", hostBytes: 4 << 30, within: group).bytes == 3 << 30)
    #expect(MemoryBudget(factor: 1, nil, hostBytes: 1 << 30, within: group).bytes == 1 << 30)
    #expect(
      throws: ConfigurationError(
        "--memory 3G",
        """
        0 B for the guests that run + 3.00 GiB are more than the budget of 2.00 GiB within \
        /sys/fs/cgroup/box/memory.max; give less, stop a guest, or raise it with --overcommit
        """)
    ) { try budget.check(3 << 30, promised: 0) }
  }

  @Test func whoSeesNoOtherGuestsIsToldOfNone() {
    #expect(
      throws: ConfigurationError(
        "--memory 7G",
        "7.00 GiB are more than the host's budget of 6.00 GiB by --overcommit; give less, or raise it with --overcommit")
    ) { try budget.check(7 << 30, promised: nil) }
  }

  @Test(arguments: ["", "0", "-1", "nan", "inf", "1e9", "two"])
  func factorsThatAreNone(text: String) {
    #expect(throws: ConfigurationError.self) { try MemoryBudget.factor(text, "--overcommit") }
  }
}
