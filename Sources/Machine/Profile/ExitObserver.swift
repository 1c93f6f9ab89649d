import KVM

/// Watches a vCPU leave the guest and come back, on the vCPU's thread.
protocol ExitObserver {
  /// KVM_RUN has returned.
  func leave(_ exit: Exit)
  /// KVM_RUN is about to be called again, or never more.
  func enter()
}

/// Nobody watches: the compiler leaves nothing of it.
struct Unobserved: ExitObserver {
  @inline(__always)
  func leave(_ exit: Exit) {}
  @inline(__always)
  func enter() {}
}

extension ExitProfile: ExitObserver {}
