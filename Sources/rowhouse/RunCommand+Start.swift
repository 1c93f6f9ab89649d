import ArgumentParser
import Glibc
import Host
import Machine
import Metering
import Unpacking

/// Starting a guest: its folder first, then its VMM, and at the end what it was.
extension RunCommand {
  func run() throws {
    var configuration = try makeConfiguration()
    if let name {
      for card in configuration.networks.indices {
        configuration.networks[card].takeAddress(host: HostIdentity.bytes, guest: name)
      }
    }
    let file = try verdict.map { path throws(ConfigurationError) in try VerdictFile(path) }
    let unpacked = try unpackKernel(of: configuration)
    let logBytes = try logBytes()
    let claim = try claim(configuration.memoryBytes, of: MemoryBudget(overcommit: overcommit))
    configuration.folder = claim?.folder.path
    configuration.consoleLogBytes = claim == nil ? nil : logBytes
    if detach, let claim {
      if let status = try startDetached(configuration, claim, unpacked) { throw ExitCode(status) }
      if let user = Environment["USER"] ?? Environment["LOGNAME"],
        LoginFolder.goesAtLogout(claim.folder.path, user: (geteuid(), user))
      {
        let name = claim.folder.name
        StandardError.say("\(name): it ends when you log out, with $XDG_RUNTIME_DIR; `loginctl enable-linger` keeps it")
      }
      print(claim.folder.name)
      do throws(HostError) { try StandardOutput.flush() } catch {
        throw HostError("\(error); the guest runs as \(claim.folder.name)")
      }
      return
    }
    let supervisor = try starting(claim) {
      try Supervisor(configuration, meter: claim?.meter, kernel: unpacked)
    }
    let outcome: Supervisor.Outcome
    do { outcome = try supervisor.run() } catch {
      settleAndRelease(claim, supervisor.meter)
      throw error
    }
    switch outcome {
    case .refused(let status):
      settleAndRelease(claim, supervisor.meter)
      throw ExitCode(status)
    case .ran(let record):
      settleAndRelease(claim, supervisor.meter, verdict: record.verdict.name)
      if !quiet || record.crashSignal != nil { StandardError.say(record.sentence) }
      try file?.write(record)
      throw ExitCode(record.verdict.exitStatus)
    }
  }

  /// - Returns: nil: the kernel's file is booted as it is.
  private func unpackKernel(of configuration: Configuration) throws(UnpackingError) -> SharedDescriptor? {
    let unpacked = try UnpackedKernel(booting: configuration, isWanted: guest.unpack)
    if case .notKept(let obstacle) = unpacked?.origin {
      StandardError.say("\(kernel): it cannot be kept unpacked, so each start unpacks it (\(obstacle))")
    }
    return unpacked?.file
  }

  /// The guest's folder. Who asked for none and has no place for it runs without, and is then not listed.
  private func claim(_ memoryBytes: UInt64, of budget: MemoryBudget) throws -> Street.Claim? {
    let name = try name.map { text throws(ConfigurationError) in try GuestName(text, option: "--name \(text)") }
    do {
      let claim = try Street().claim(name, kernel: kernel, memoryBytes: memoryBytes, of: budget)
      if let state = claim.replaced {
        let name = claim.folder.name
        StandardError.say("\(name): the name was that of a guest that had \(state); its folder is replaced")
      }
      return claim
    } catch is HostError where name == nil && !detach && consoleLog == nil {
      // Where there is no place for guests' folders there are no others to count.
      if let street = try? Street() {
        try street.check(memoryBytes, within: budget)
      } else {
        try budget.check(memoryBytes, promised: nil)
      }
      return nil
    }
  }

  private func startDetached(
    _ configuration: Configuration, _ claim: Street.Claim, _ kernel: SharedDescriptor?
  ) throws -> Int32? {
    let start = try starting(claim) { try DetachedStart(configuration, meter: claim.meter, kernel: kernel) }
    do {
      let status = try start.wait()
      // One that was interrupted may have run.
      if status != nil { settleAndRelease(claim, claim.meter) }
      return status
    } catch {
      settleAndRelease(claim, claim.meter)
      throw error
    }
  }

  /// Starts a guest's VMM. Without one its folder is nobody's.
  private func starting<Start>(_ claim: Street.Claim?, _ start: () throws -> Start) throws -> Start {
    do { return try start() } catch {
      claim?.release()
      throw error
    }
  }

  /// Writes down what the guest used, now that its VMM has gone, and removes its folder, unless that is all that says
  /// it.
  ///
  /// - Parameter verdict: nil: what its meter says.
  private func settleAndRelease(_ claim: Street.Claim?, _ meter: SharedDescriptor, verdict: String? = nil) {
    let name = claim.map { $0.folder.name.description }
    do throws(Settlement.Failure) {
      if let reading = try Settlement.reading(meter.descriptor, path: claim?.folder.meterPath ?? kernel) {
        try Settlement.settle(LedgerRecord(name, verdict, reading), in: claim?.folder)
      }
      claim?.release()
    } catch {
      let kept = claim?.folder.isInPlace == true ? name : nil
      StandardError.say("\(error)" + (kept.map { "; its folder is kept, `rowhouse list` shows it as \($0)" } ?? ""))
    }
  }
}
