/// What `rowhouse run` boots of a kernel. The raw values are the words in results.json.
enum KernelForm: String, Codable {
  /// The file, which is not packed.
  case asItIs = "as_it_is"
  /// The ELF file in it, which had been unpacked before.
  case kept
  /// The ELF file in it, which was unpacked for the measurement.
  case unpacked
  /// The file, which unpacks itself in the guest at each start.
  case packed
}
