import CKVM
import GuestMemory
import Host

/// A virtual CPU. One thread runs it; others may only ``requestExit()`` it.
package final class VirtualCPU: Sendable {
  /// Its local APIC identifier, 0 for the first.
  package let id: Int
  private let descriptor: Descriptor
  private let mapping: Mapping

  init(_ descriptor: consuming Descriptor, id: Int, mappingBytes: Int) throws(KVMError) {
    self.id = id
    do throws(SystemCallError) {
      mapping = try Mapping.file(descriptor, count: mappingBytes)
    } catch {
      throw .call(error)
    }
    self.descriptor = descriptor
  }

  /// The memory that KVM shares with this program for the vCPU.
  @inline(__always)
  private var shared: UnsafeMutablePointer<kvm_run> {
    // SAFETY: KVM laid a kvm_run at the mapping's start, and the mapping lives as long as this object.
    unsafe mapping.base.assumingMemoryBound(to: kvm_run.self)
  }

  // MARK: Running

  /// Runs the guest until something needs this program (KVM_RUN).
  package func run() -> Exit {
    let result = ckvm_run(descriptor.number)
    guard result >= 0 else {
      // API documentation, section 4.10: EINTR for signals and immediate_exit; EAGAIN while the vCPU waits for SIPI.
      return result == -Errno.interrupted.rawValue || result == -Errno.again.rawValue
        ? .interrupted : .hostError(-result)
    }
    // SAFETY: here and below, KVM has filled the member of the union that belongs to the exit reason.
    switch unsafe Int32(bitPattern: shared.pointee.exit_reason) {
    case KVM_EXIT_IO:
      let io = unsafe shared.pointee.io
      return Int32(io.direction) == KVM_EXIT_IO_OUT
        ? .portOut(port: io.port, size: Int(io.size), count: Int(io.count))
        : .portIn(port: io.port, size: Int(io.size), count: Int(io.count))
    case KVM_EXIT_MMIO:
      let access = unsafe shared.pointee.mmio
      let size = Int(access.len)
      guard access.is_write != 0 else { return .memoryRead(address: access.phys_addr, size: size) }
      let value = UInt64(littleEndian: unsafe unsafeBitCast(access.data, to: UInt64.self))
      return .memoryWrite(address: access.phys_addr, size: size, value: value & Self.mask(size))
    case KVM_EXIT_INTR: return .interrupted
    case KVM_EXIT_SHUTDOWN: return .tripleFault
    // SAFETY: here and below, KVM filled the member that the exit's reason names.
    case KVM_EXIT_SYSTEM_EVENT: return .systemEvent(unsafe shared.pointee.system_event.type)
    case KVM_EXIT_INTERNAL_ERROR:
      let suberror = unsafe shared.pointee.internal.suberror
      return .unsupported(suberror == KVM_INTERNAL_ERROR_EMULATION ? .emulation : .internalError(suberror))
    case KVM_EXIT_FAIL_ENTRY:
      return .unsupported(.failedEntry(unsafe shared.pointee.fail_entry.hardware_entry_failure_reason))
    case let reason: return .unsupported(.unknownExit(UInt32(bitPattern: reason)))
    }
  }

  /// All bits of a value of `size` bytes, 1 to 8.
  @inline(__always)
  private static func mask(_ size: Int) -> UInt64 { UInt64.max >> UInt64(64 - 8 * size) }

  /// The `index`th item that the guest writes, after ``Exit/portOut(port:size:count:)``.
  @inline(__always)
  package func portItem(_ index: Int, size: Int) -> UInt32 {
    // SAFETY: KVM put `count` items of `size` bytes at data_offset inside the mapping, and `index` is below count.
    unsafe withPortItem(index, size) { item in
      switch size {
      case 1: unsafe UInt32(item.load(as: UInt8.self))
      case 2: unsafe UInt32(item.loadUnaligned(as: UInt16.self))
      default: unsafe item.loadUnaligned(as: UInt32.self)
      }
    }
  }

  /// Gives the guest the `index`th item that it reads, after ``Exit/portIn(port:size:count:)``.
  @inline(__always)
  package func setPortItem(_ index: Int, _ value: UInt32, size: Int) {
    // SAFETY: as for `portItem`.
    unsafe withPortItem(index, size) { item in
      switch size {
      case 1: unsafe item.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
      case 2: unsafe item.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
      default: unsafe item.storeBytes(of: value, as: UInt32.self)
      }
    }
  }

  @inline(__always)
  private func withPortItem<Result>(_ index: Int, _ size: Int, _ body: (UnsafeMutableRawPointer) -> Result) -> Result {
    // SAFETY: the offset is KVM's own; see the callers.
    unsafe body(mapping.base + Int(shared.pointee.io.data_offset) + index * size)
  }

  /// Gives the guest what it reads, after ``Exit/memoryRead(address:size:)``.
  @inline(__always)
  package func setMemoryValue(_ value: UInt64) {
    // SAFETY: `data` is eight bytes of any value.
    unsafe shared.pointee.mmio.data = unsafeBitCast(value.littleEndian, to: type(of: shared.pointee.mmio.data))
  }

  // MARK: Interrupting

  /// Has ``run()`` return at its next chance, and again until ``acceptExitRequest()``. Any thread may call this; if the
  /// vCPU's thread may be inside KVM_RUN, it needs ``kickSignal`` besides.
  package func requestExit() {
    // SAFETY: an atomic store of one byte that KVM reads.
    unsafe ckvm_set_immediate_exit(shared, 1)
  }

  package func acceptExitRequest() {
    // SAFETY: as above.
    unsafe ckvm_set_immediate_exit(shared, 0)
  }

  /// The signal that gets a thread out of KVM_RUN.
  package static var kickSignal: Int32 { ckvm_kick_signal() }

  /// Makes ``kickSignal`` harmless. Once per process, before the first vCPU runs.
  package static func installKickHandler() { ckvm_install_kick_handler() }

  /// Has each ``kickSignal`` to the calling thread, which is to run this vCPU, be an exit request as well, so that it
  /// also counts when it comes outside KVM_RUN.
  package func exitAtKicks() {
    // SAFETY: the mapping lives as long as the thread runs the vCPU; the handler only stores one byte that KVM reads.
    unsafe ckvm_exit_at_kicks(shared)
  }

  /// Tells the guest's watchdogs that this vCPU was kept from running (KVM_KVMCLOCK_CTRL). Refused, with nothing to
  /// tell, while the guest has no kvmclock.
  package func excuseAbsence() { _ = ckvm_kvmclock_ctrl(descriptor.number) }

  // MARK: State

  /// Whether the vCPU sits in HLT with interrupts off: nothing that this machine has can wake it. Also true of one that
  /// still waits to be started. To be asked by the vCPU's own thread, after an exit.
  package var isHaltedForGood: Bool {
    switch ckvm_get_mp_state(descriptor.number) {
    // SAFETY: a byte that KVM wrote at the last exit.
    case KVM_MP_STATE_HALTED: unsafe shared.pointee.if_flag == 0
    case KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED: true
    default: false
    }
  }

  /// Frequency of the guest's time stamp counter in kHz (KVM_GET_TSC_KHZ), 0 when KVM does not know it.
  package var tscKilohertz: UInt32 { UInt32(max(0, ckvm_get_tsc_khz(descriptor.number))) }

  /// Sets what the CPUID instruction tells the guest (KVM_SET_CPUID2).
  package func setCPUID(_ cpuid: CPUID) throws(KVMError) {
    // SAFETY: the array's elements are valid for the call, which only reads them.
    let result = unsafe cpuid.entries.withUnsafeBufferPointer { entries in
      unsafe ckvm_set_cpuid2(descriptor.number, entries.baseAddress, UInt32(entries.count))
    }
    try kvm("KVM_SET_CPUID2", result)
  }

  /// Sets a model-specific register (KVM_SET_MSRS).
  package func setMSR(_ index: UInt32, to value: UInt64) throws(KVMError) {
    var entry = kvm_msr_entry(index: index, reserved: 0, data: value)
    // SAFETY: the call only reads the one local entry.
    let taken = try kvm("KVM_SET_MSRS", unsafe ckvm_set_msrs(descriptor.number, &entry, 1))
    guard taken == 1 else { throw .call(SystemCallError("KVM_SET_MSRS", .invalidArgument)) }
  }

  /// A descriptor of KVM's counters (KVM_GET_STATS_FD), or `-errno`.
  func getStatistics() -> Int32 { ckvm_get_stats_fd(descriptor.number) }

  /// The bytes of the instruction that could not be emulated, at most 15; empty when KVM does not say.
  var failedInstruction: [UInt8] {
    // SAFETY: KVM filled this member at an exit for an internal error; for others the flag keeps it from being used.
    let exit = unsafe shared.pointee
    guard Int32(bitPattern: exit.exit_reason) == KVM_EXIT_INTERNAL_ERROR else { return [] }
    let failure = exit.emulation_failure
    guard failure.suberror == KVM_INTERNAL_ERROR_EMULATION, failure.ndata >= 3,
      failure.flags & UInt64(KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0
    else { return [] }
    // SAFETY: fifteen bytes of any value.
    return unsafe withUnsafeBytes(of: failure.insn_bytes) { unsafe Array($0.prefix(Int(min(failure.insn_size, 15)))) }
  }

  /// The general registers (KVM_GET_REGS), not while the vCPU runs.
  func registers() throws(KVMError) -> kvm_regs {
    var registers = kvm_regs()
    // SAFETY: a local variable of the type that the call fills.
    unsafe try kvm("KVM_GET_REGS", ckvm_get_regs(descriptor.number, &registers))
    return registers
  }

  func setRegisters(_ registers: kvm_regs) throws(KVMError) {
    // SAFETY: the call only reads the value.
    _ = unsafe try withUnsafePointer(to: registers) { registers throws(KVMError) in
      unsafe try kvm("KVM_SET_REGS", ckvm_set_regs(descriptor.number, registers))
    }
  }

  /// The segment and control registers (KVM_GET_SREGS), not while the vCPU runs.
  func specialRegisters() throws(KVMError) -> kvm_sregs {
    var registers = kvm_sregs()
    // SAFETY: a local variable of the type that the call fills.
    unsafe try kvm("KVM_GET_SREGS", ckvm_get_sregs(descriptor.number, &registers))
    return registers
  }

  func setSpecialRegisters(_ registers: kvm_sregs) throws(KVMError) {
    // SAFETY: the call only reads the value.
    _ = unsafe try withUnsafePointer(to: registers) { registers throws(KVMError) in
      unsafe try kvm("KVM_SET_SREGS", ckvm_set_sregs(descriptor.number, registers))
    }
  }
}
