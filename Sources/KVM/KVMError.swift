import Host

/// Why the host's KVM cannot do what is asked of it. All of these are the host's failures, never the guest's.
package enum KVMError: Error, Sendable {
  /// /dev/kvm could not be opened.
  case cannotOpen(Errno)
  /// KVM_GET_API_VERSION was not 12, the only stable version there has been.
  case wrongAPIVersion(Int32)
  /// KVM_CHECK_EXTENSION says no to something that is needed.
  case missingExtension(StaticString)
  /// More vCPUs than this host's KVM takes.
  case tooManyCPUs(Int, maximum: Int)
  /// An ioctl was refused.
  case call(SystemCallError)
}

extension KVMError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .cannotOpen(.noSuchFile):
      "/dev/kvm is not there: load the kernel module (modprobe kvm_intel or kvm_amd) and see that virtualization is "
        + "switched on in the firmware"
    case .cannotOpen(.permissionDenied):
      "/dev/kvm may not be opened: add yourself to the group kvm (sudo usermod -aG kvm $USER) and log in again"
    case .cannotOpen(let errno): "/dev/kvm cannot be opened: \(errno)"
    case .wrongAPIVersion(let version): "/dev/kvm speaks version \(version) of its interface, not 12"
    case .missingExtension(let name): "this kernel's KVM lacks \(name): a newer kernel is needed"
    case .tooManyCPUs(let count, let maximum): "\(count) CPUs are more than this host's KVM takes (\(maximum))"
    case .call(let error): "KVM refused \(error)"
    }
  }
}

/// ``checked(_:_:)`` for ioctls of KVM: `-errno` becomes ``KVMError/call(_:)``.
@discardableResult @inline(__always)
func kvm(_ name: StaticString, _ result: Int32) throws(KVMError) -> Int32 {
  guard result >= 0 else { throw .call(SystemCallError(name, Errno(rawValue: -result))) }
  return result
}

/// Runs `body`, and turns a refused system call into a ``KVMError``.
func host<Result: ~Copyable>(_ body: () throws(SystemCallError) -> Result) throws(KVMError) -> Result {
  do throws(SystemCallError) { return try body() } catch { throw .call(error) }
}
