/// A feature of the CPU that has a bit of its own in CPUID, by the name that Linux shows in /proc/cpuinfo.
package struct CPUFeature: Hashable, Sendable {
  package let name: String
  let leaf: UInt32
  let subleaf: UInt32
  let register: CPUID.Register
  let bit: UInt32

  /// The feature of this name, nil when it is not known.
  package init?(named name: String) {
    guard let feature = Self.all.first(where: { $0.name == name }) else { return nil }
    self = feature
  }

  private init(_ name: String, _ leaf: UInt32, _ subleaf: UInt32, _ register: CPUID.Register, _ bit: UInt32) {
    self.name = name
    self.leaf = leaf
    self.subleaf = subleaf
    self.register = register
    self.bit = bit
  }

  /// All that can be hidden. Bits that every 64-bit kernel takes for granted are not in it, nor are those that describe
  /// the topology.
  package static let all: [CPUFeature] =
    features(1, 0, .edx, [
      "fpu": 0, "vme": 1, "de": 2, "pse": 3, "tsc": 4, "mce": 7, "cx8": 8, "sep": 11, "mtrr": 12, "pge": 13, "mca": 14,
      "cmov": 15, "pat": 16, "pse36": 17, "clflush": 19, "mmx": 23, "fxsr": 24, "sse": 25, "sse2": 26, "ss": 27,
    ])
    + features(1, 0, .ecx, [
      "sse3": 0, "pni": 0, "pclmulqdq": 1, "vmx": 5, "ssse3": 9, "fma": 12, "cx16": 13, "pcid": 17, "sse4_1": 19,
      "sse4_2": 20, "x2apic": 21, "movbe": 22, "popcnt": 23, "tsc_deadline_timer": 24, "aes": 25, "xsave": 26,
      "avx": 28, "f16c": 29, "rdrand": 30, "hypervisor": 31,
    ])
    + features(6, 0, .eax, ["arat": 2])
    + features(7, 0, .ebx, [
      "fsgsbase": 0, "tsc_adjust": 1, "bmi1": 3, "hle": 4, "avx2": 5, "smep": 7, "bmi2": 8, "erms": 9, "invpcid": 10,
      "rtm": 11, "mpx": 14, "avx512f": 16, "avx512dq": 17, "rdseed": 18, "adx": 19, "smap": 20, "avx512ifma": 21,
      "clflushopt": 23, "clwb": 24, "avx512cd": 28, "sha_ni": 29, "avx512bw": 30, "avx512vl": 31,
    ])
    + features(7, 0, .ecx, [
      "avx512vbmi": 1, "umip": 2, "pku": 3, "waitpkg": 5, "avx512_vbmi2": 6, "shstk": 7, "gfni": 8, "vaes": 9,
      "vpclmulqdq": 10, "avx512_vnni": 11, "avx512_bitalg": 12, "avx512_vpopcntdq": 14, "la57": 16, "rdpid": 22,
      "bus_lock_detect": 24, "cldemote": 25, "movdiri": 27, "movdir64b": 28,
    ])
    + features(7, 0, .edx, [
      "fsrm": 4, "avx512_vp2intersect": 8, "md_clear": 10, "serialize": 14, "ibt": 20, "amx_bf16": 22,
      "avx512_fp16": 23,
      "amx_tile": 24, "amx_int8": 25, "spec_ctrl": 26, "intel_stibp": 27, "flush_l1d": 28, "arch_capabilities": 29,
      "ssbd": 31,
    ])
    + features(7, 1, .eax, ["avx_vnni": 4, "avx512_bf16": 5])
    + features(0xd, 1, .eax, ["xsaveopt": 0, "xsavec": 1, "xgetbv1": 2, "xsaves": 3])
    + features(0x8000_0001, 0, .ecx, [
      "svm": 2, "cr8_legacy": 4, "abm": 5, "lzcnt": 5, "sse4a": 6, "misalignsse": 7, "3dnowprefetch": 8, "osvw": 9,
      "xop": 11, "fma4": 16, "tbm": 21, "topoext": 22, "perfctr_core": 23,
    ])
    + features(
      0x8000_0001, 0, .edx, ["syscall": 11, "nx": 20, "mmxext": 22, "fxsr_opt": 25, "pdpe1gb": 26, "rdtscp": 27])
    + features(0x8000_0007, 0, .edx, ["constant_tsc": 8, "nonstop_tsc": 8])
    + features(0x8000_0008, 0, .ebx, ["clzero": 0, "xsaveerptr": 2, "wbnoinvd": 9, "ibpb": 12, "ibrs": 14, "stibp": 15])
    + features(0x4000_0001, 0, .eax, [
      "kvmclock": 3, "kvm_asyncpf": 4, "kvm_steal_time": 5, "kvm_pv_eoi": 6, "kvm_pv_unhalt": 7, "kvm_pv_tlb_flush": 9,
      "kvm_pv_ipi": 11, "kvm_poll_control": 12, "kvm_pv_sched_yield": 13, "kvm_asyncpf_int": 14,
    ])

  private static func features(
    _ leaf: UInt32, _ subleaf: UInt32, _ register: CPUID.Register, _ bits: KeyValuePairs<String, UInt32>
  ) -> [CPUFeature] {
    bits.map { CPUFeature($0.key, leaf, subleaf, register, $0.value) }
  }
}
