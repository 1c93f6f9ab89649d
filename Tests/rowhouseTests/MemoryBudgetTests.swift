import Machine
import Testing

@testable import rowhouse

@Suite("The host's memory budget")
struct MemoryBudgetTests {
  private let budget = MemoryBudget(factor: 1.5, "--overcommit", hostBytes: 4 << 30)

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

  @Test(arguments: ["", "0", "-1", "nan", "inf", "1e9", "two"])
  func factorsThatAreNone(text: String) {
    #expect(throws: ConfigurationError.self) { try MemoryBudget.factor(text, "--overcommit") }
  }
}
