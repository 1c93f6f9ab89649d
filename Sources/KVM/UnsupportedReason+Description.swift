import CKVM
import GuestMemory

extension VirtualCPU {
  /// Where the guest was and what it was about to do, when KVM gave up: address, bytes and KVM's reason, in one line.
  ///
  /// To be called by the vCPU's thread right after ``Exit/unsupported(_:)``.
  package func describe(_ reason: UnsupportedReason) -> String {
    let place: String
    do throws(KVMError) {
      place = hex(try specialRegisters().cs.base &+ registers().rip)
    } catch {
      place = "an unknown address"
    }
    let bytes = failedInstruction
    let code = bytes.isEmpty ? "" : " (bytes \(bytes.map { pad(String($0, radix: 16)) }.joined(separator: " ")))"
    return switch reason {
    case .emulation: "KVM cannot emulate the instruction at \(place)\(code)"
    case .internalError(let suberror): "KVM has an internal error \(suberror) at \(place)\(code)"
    case .failedEntry(let hardware): "the CPU refuses the guest's state at \(place), hardware reason \(hex(hardware))"
    case .unknownExit(let number): "KVM stops at \(place) for a reason that is not known here: \(number)"
    }
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
  private func pad(_ digits: String) -> String { digits.count < 2 ? "0" + digits : digits }
}
