import CKVM
import Host

/// What KVM can show a guest of the host's CPU (KVM_GET_SUPPORTED_CPUID), asked for by a thread of its own.
///
/// KVM reads every leaf anew. On a host that is a virtual machine itself each of them goes to that machine's host, and
/// the answer takes a third of the time in which a small guest starts. It needs no machine, so it is got while the
/// machine is made. An instance belongs to one thread.
package final class SupportedCPUID {
  private let answer: Answer
  private let thread: Thread
  private var isHere = false

  /// Starts to ask.
  package init(of hypervisor: Hypervisor) throws(SystemCallError) {
    let answer = Answer()
    self.answer = answer
    thread = try Thread(named: "cpuid") {
      do throws(KVMError) { answer.cpuid = try hypervisor.supportedCPUID() } catch { answer.failure = error }
    }
  }

  deinit { wait() }

  /// The answer, waited for when it is not there yet.
  package func get() throws(KVMError) -> CPUID {
    wait()
    if let failure = answer.failure { throw failure }
    return answer.cpuid
  }

  private func wait() {
    if !isHere { thread.join() }
    isHere = true
  }

  // Written by the thread, and read only after it has ended.
  private final class Answer: @unchecked Sendable {
    var cpuid = CPUID([])
    var failure: KVMError?
  }
}
