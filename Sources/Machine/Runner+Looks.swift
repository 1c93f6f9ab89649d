import Host

/// Looks at what nobody reports: whether the guest is halted for good, whether its folder is there.
extension Runner {
  func look() {
    guard let machine else { return }
    if !hasSettled {
      hasSettled = true
      ProcessControl.releaseCode()
    }
    lookForFolder()
    // A paused guest looks as if it were halted for good.
    if machine.isPaused {
      sample()
      armLook(HaltWatch.longest)
    } else {
      lookForHalt(machine)
    }
  }

  /// - Parameter interval: to the next look, in nanoseconds; a guest that must end before is looked at when it must.
  func armLook(_ interval: UInt64) {
    let now = Instant.now
    let next = now.advanced(byNanoseconds: interval)
    let end = folderWatch.deadline.flatMap { $0 > now ? $0 : nil }
    lookTimer.arm(at: min(next, end ?? next))
    if interval > HaltWatch.shortest { watchForWork() }
  }

  /// Has the guest looked at when it works again: its next look may be seconds away, its meter would be as old.
  ///
  /// The kernel tells in its tick, as the VMM's CPU time goes by. A host that has no such timer to give looks later.
  private func watchForWork() {
    if workTimer == nil { workTimer = try? ThreadTimer(.processCPUTime, signal: Self.workSignal) }
    workTimer?.arm(after: Self.work)
  }

  /// CPU time of the VMM and its guest that is work, in nanoseconds: more than a look, and what comes of it, costs.
  private static let work: UInt64 = 20_000_000

  private func lookForHalt(_ machine: Machine) {
    if isExamining, machine.isHaltedForGood { return machine.ending.report(.halted) }
    let cpuTime = sample().reduce(0, +)
    if isExamining {
      isExamining = false
      haltWatch.conclude(isWaiting: machine.isAlive, cpuTime: cpuTime)
    } else {
      switch haltWatch.look(cpuTime: cpuTime) {
      case .busy: machine.settleQuota()
      case .idle:
        isExamining = true
        machine.examine()
      case .asleep: break
      }
    }
    armLook(isExamining ? HaltWatch.answerTime : haltWatch.nextInterval)
  }
}
