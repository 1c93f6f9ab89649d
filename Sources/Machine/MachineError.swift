import Boot
import DiskImage
import Host
import KVM

/// Why a machine could not be built or run. Whose fault it is decides the exit status.
package enum MachineError: Error, Sendable {
  /// What the user gave cannot be obeyed.
  case configuration(ConfigurationError)
  /// What the user gave cannot be booted.
  case boot(BootError)
  case console(ConsoleError)
  case disk(ImageError)
  /// A network card's end on the host, and why it cannot be had.
  case network(String, SystemCallError)
  case kvm(KVMError)
  case host(SystemCallError)
  /// The place that a guest was given on the host has no room for what goes into it.
  case shortage(String, Errno)

  /// 2 when the user can mend it by other arguments, 1 when the host must change.
  package var exitStatus: Int32 {
    switch self {
    case .configuration, .boot, .console, .disk, .network: 2
    case .kvm(.tooManyCPUs): 2
    case .kvm, .host, .shortage: 1
    }
  }
}

extension MachineError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .configuration(let error): "\(error)"
    case .boot(let error): "\(error)"
    case .console(let error): "\(error)"
    case .network(let name, let error) where error.errno == .addressInUse:
      "--net \(name): a file that is no socket is there; give another path"
    case .network(let name, let error): "--net \(name): \(error.errno)"
    case .disk(let error): "--disk: \(error)"
    case .kvm(.tooManyCPUs(let count, let maximum)):
      "--cpus \(count): this host's KVM takes at most \(maximum)"
    case .kvm(let error): "\(error)"
    case .host(let error): "the host refused \(error)"
    case .shortage(let place, let error): "\(place): \(error)"
    }
  }
}
