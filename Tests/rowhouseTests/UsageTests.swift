import Testing

@testable import rowhouse

@Suite("Wrong usage")
struct UsageTests {
  /// Each line of a person's that is wrong, and what names its fault in the answer.
  @Test(arguments: [
    (["run"], "<kernel>"),
    (["frob"], "frob"),
    (["--frob"], "--frob"),
    (["run", "k", "--frob", "1"], "--frob"),
    (["run", "k", "other"], "other"),
    (["run", ""], "--kernel"),
    (["run", "k", "--cpus"], "--cpus"),
    (["run", "k", "--cpus", "0"], "--cpus 0"),
    (["run", "k", "--cpus", "-1"], "--cpus -1"),
    (["run", "k", "--cpus", "two"], "--cpus two"),
    (["run", "k", "--cpu-quota", "25"], "--cpu-quota 25"),
    (["run", "k", "--cpu-quota", "0.5%"], "--cpu-quota 0.5%"),
    (["run", "k", "--cpu-quota", "150%"], "--cpu-quota 150%"),
    (["run", "k", "--cpu-quota", "50%", "--cpu-period", "10"], "--cpu-period 10"),
    (["run", "k", "--cpu-quota", "50%", "--cpu-period", "2s"], "--cpu-period 2s"),
    (["run", "k", "--cpu-quota", "50%", "--cpu-burst", "2h"], "--cpu-burst 2h"),
    (["run", "k", "--cpu-burst", "2ms"], "--cpu-burst"),
    (["run", "k", "--memory-max", "64M"], "--memory-max 64M"),
    (["run", "k", "--memory-max", "1M", "--balloon", "0M"], "--memory-max 1M"),
    (["run", "k", "--cpu-pin", "1-"], "--cpu-pin 1-"),
    (["run", "k", "--memory", "0M"], "--memory"),
    (["run", "k", "--memory", "512"], "512M is 512 MiB"),
    (["run", "k", "--memory", "1025K"], "--memory 1025K"),
    (["run", "k", "--memory", "5T"], "--memory 5T"),
    (["run", "k", "--memory", "99999999999999999999G"], "--memory"),
    (["run", "k", "--boot", "bios"], "--boot bios"),
    (["run", "k", "--load-address", "0x7c00"], "--load-address"),
    (["run", "k", "--boot", "flat", "--load-address", "7c00h"], "--load-address 7c00h"),
    (["run", "k", "--boot", "flat", "--entry", "-1"], "--entry -1"),
    (["run", "k", "--cpu-mask", "avx,magic"], "--cpu-mask magic"),
    (["run", "k", "--console", "tv"], "--console tv"),
    (["run", "k", "--console", "file:"], "--console file:"),
    (["run", "k", "--console-device", "tty"], "--console-device tty"),
    (["run", "k", "--timeout", "soon"], "--timeout soon"),
    (["run", "k", "--timeout", "0"], "--timeout 0"),
    (["run", "k", "--timeout", "-3"], "--timeout -3"),
    (["run", "k", "--timeout", "nan"], "--timeout nan"),
    (["run", "k", "--on-reset", "explode"], "--on-reset explode"),
    (["run", "k", "--cmdline", "a", "--", "b"], "--cmdline"),
    (["run", "k", "--module", ""], "--module"),
    (["run", "k", "--quiet=yes"], "--quiet"),
    (["run", "k", "--verdict", "/nowhere/v.json"], "--verdict /nowhere/v.json: it cannot be written: No such file"),
    (["run", "k", "--verdict", "/"], "--verdict /: it cannot be written: Is a directory"),
  ])
  func isOneLineThatNamesIt(arguments: [String], name: String) {
    guard case .failure(let line, status: 2) = Rowhouse.perform(arguments) else {
      Issue.record("\(arguments) is accepted")
      return
    }
    #expect(line.contains(name))
    #expect(!line.contains("\n"))
    #expect(!line.isEmpty)
  }

  @Test(arguments: [["--help"], ["help"], ["help", "run"], ["run", "--help"], ["run", "-h", "k"], []])
  func helpIsAnAnswer(arguments: [String]) {
    guard case .answer(let text) = Rowhouse.perform(arguments) else {
      Issue.record("no help for \(arguments)")
      return
    }
    #expect(text.contains("USAGE: rowhouse"))
  }

  @Test func versionIsAnAnswer() {
    #expect(Rowhouse.perform(["--version"]) == .answer("rowhouse 0.1"))
  }
}
