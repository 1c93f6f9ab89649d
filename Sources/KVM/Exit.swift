/// Why KVM_RUN returned: a plain value, made from struct kvm_run at every exit.
package enum Exit: Sendable {
  /// The guest reads `count` items of `size` bytes (1, 2 or 4) from a port, to be given by
  /// ``VirtualCPU/setPortItem(_:_:size:)``.
  case portIn(port: UInt16, size: Int, count: Int)
  /// The guest writes `count` items of `size` bytes to a port, to be had by ``VirtualCPU/portItem(_:size:)``.
  case portOut(port: UInt16, size: Int, count: Int)
  /// The guest reads `size` bytes (1 to 8) of memory that is no RAM, to be given by ``VirtualCPU/setMemoryValue(_:)``.
  case memoryRead(address: UInt64, size: Int)
  /// The guest writes the low `size` bytes of `value` to memory that is no RAM.
  case memoryWrite(address: UInt64, size: Int, value: UInt64)
  /// A signal came or an exit was asked for; the guest did nothing.
  case interrupted
  /// The guest shut the CPU down: a fault while a double fault was delivered.
  case tripleFault
  /// The guest's architecture asked the host for something (KVM_EXIT_SYSTEM_EVENT), by KVM's number for it.
  case systemEvent(UInt32)
  /// KVM could not go on with the guest's instruction, or with the state that the guest brought its CPU into.
  case unsupported(UnsupportedReason)
  /// The host's kernel refused to run the vCPU, by its error number.
  case hostError(Int32)
}

/// What KVM could not run.
package enum UnsupportedReason: Equatable, Sendable {
  /// KVM_INTERNAL_ERROR_EMULATION: an instruction that had to be emulated and is not known to the emulator.
  case emulation
  /// Another KVM_EXIT_INTERNAL_ERROR, by its suberror.
  case internalError(UInt32)
  /// KVM_EXIT_FAIL_ENTRY: the CPU refused the guest's state, by the hardware's reason.
  case failedEntry(UInt64)
  /// An exit that this program does not know, by KVM's reason.
  case unknownExit(UInt32)
}
