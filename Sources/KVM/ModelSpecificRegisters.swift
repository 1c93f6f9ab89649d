extension VirtualCPU {
  /// Sets the model-specific registers that firmware would have set before it hands over to a kernel.
  package func setFirmwareMSRs() throws(KVMError) {
    // IA32_MISC_ENABLE: fast string operations, which firmware leaves on (SDM volume 4).
    try setMSR(0x1a0, to: 1 << 0)
    // IA32_MTRR_DEF_TYPE: MTRRs on, all memory write-back (SDM volume 3, section 12.11.2.1).
    try setMSR(0x2ff, to: 1 << 11 | 6)
  }
}
