/// What can be fuzzed, one part of the program each. An input is any bytes; a finding is a trap or a sanitizer's
/// report.
package enum FuzzTarget: String, CaseIterable, Sendable {
  case virtqueue, block, ring, limits, network, console, entropy, balloon, qcow2, boot, unpack, control, meter

  /// Does with the input all that it asks for; returns when the target has survived it.
  package func run(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    switch self {
    case .virtqueue: fuzzVirtqueue(&input)
    case .block: fuzzBlock(&input)
    case .ring: fuzzRing(&input)
    case .limits: fuzzLimits(&input)
    case .network: fuzzNetwork(&input)
    case .console: fuzzConsole(&input)
    case .entropy: fuzzEntropy(&input)
    case .balloon: fuzzBalloon(&input)
    case .qcow2: fuzzQcow2(&input)
    case .boot: fuzzBoot(&input)
    case .unpack: fuzzUnpack(&input)
    case .control: fuzzControl(&input)
    case .meter: fuzzMeter(&input)
    }
  }
}
